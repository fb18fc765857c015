"""A training script with one import line changed: the same losses."""

import runpy

import pytest

pytest.importorskip("sklearn", reason="scikit-learn ships the digits")

SCRIPT = """
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.manual_seed(0)
torch.set_default_dtype(torch.float64)
pixels, labels = load_digits(return_X_y=True)
x, y = torch.tensor(pixels / 16).reshape(-1, 1, 8, 8), torch.tensor(labels)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(inplace=True))
        self.body = nn.Conv2d(8, 8, 3, padding="same", groups=2)
        self.norm = nn.GroupNorm(2, 8)
        self.pool = nn.MaxPool2d(2)
        self.head = nn.Sequential(nn.Flatten(), nn.Dropout(0.25), nn.Linear(128, 32), nn.GELU(), nn.LayerNorm(32))
        self.out = nn.Linear(32, 10)

    def forward(self, x):
        x = self.stem(x)
        x = F.silu(self.norm(self.body(x)) + x)
        return self.out(self.head(self.pool(x)))


net = Net()
loss_of = nn.CrossEntropyLoss(label_smoothing=0.05)
step = torch.optim.AdamW(net.parameters(), lr=3e-3)
losses = []
for k in range(25):
    rows = torch.randperm(len(x))[:64]
    loss = loss_of(net(x[rows]), y[rows])
    step.zero_grad()
    loss.backward()
    step.step()
    losses.append(loss.item())
net.eval()
with torch.no_grad():
    right = (net(x).argmax(1) == y).float().mean().item()
torch.set_default_dtype(torch.float32)
"""


def ran(text, folder, name):
    path = folder / f"{name}.py"
    path.write_text(text)
    return runpy.run_path(str(path))


def test_the_same_losses_from_the_same_seed(tmp_path):
    theirs = ran(SCRIPT, tmp_path, "with_torch")
    changed = SCRIPT.replace("import torch.nn as nn", "import derive.nn as nn")
    ours = ran(changed.replace("import torch.nn.functional as F", "F = nn.functional"), tmp_path, "with_derive")
    assert type(ours["net"].out).__module__ == "derive.nn" and type(theirs["net"].out).__module__ != "derive.nn"
    assert max(abs(a - b) for a, b in zip(ours["losses"], theirs["losses"], strict=True)) <= 1e-9
    assert ours["right"] == theirs["right"] and ours["losses"][-1] < ours["losses"][0] / 2
