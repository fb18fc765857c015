"""Each kind of thing a user has, in a project of its own: the right version passes, the planted fault is told."""

import pickle
import textwrap

import pytest

from derive.verify import check, run
from derive.verify.request import Request

PROJECT = {
    "functions": """
        import torch

        def scaled(x, w):
            return torch.tanh(x @ w.T)

        def scaled_inputs():
            return torch.randn(4, 5), torch.randn(3, 5)

        class Square(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return x**2

            @staticmethod
            def backward(ctx, dy):
                return 2 * dy * ctx.saved_tensors[0]

        class Half(Square):
            @staticmethod
            def backward(ctx, dy):
                return dy * ctx.saved_tensors[0]

        class Squares:
            Inner = Half

        class Masked(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x, keep, scale):
                ctx.save_for_backward(keep)
                ctx.scale = scale
                return torch.where(keep, scale * x, 0.0)

            @staticmethod
            def backward(ctx, dy):
                (keep,) = ctx.saved_tensors
                return torch.where(keep, ctx.scale * dy, 0.0), None, None

        class Unmasked(Masked):
            @staticmethod
            def backward(ctx, dy):
                return ctx.scale * dy, None, None

        masks = torch.randn(3, 4), torch.rand(3, 4) < 0.5, 2.5
        Masked_inputs = Unmasked_inputs = masks
        square = torch.randn(3, 4)
    """,
    "operations": """
        import torch

        def _saved(ctx, inputs, output):
            ctx.save_for_backward(*inputs)

        @torch.library.custom_op("derive_test::times", mutates_args=())
        def times(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
            return x * w

        times.register_autograd(
            lambda ctx, dy: (dy * ctx.saved_tensors[1], dy * ctx.saved_tensors[0]), setup_context=_saved
        )

        @torch.library.custom_op("derive_test::over", mutates_args=())
        def over(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
            return x / w

        def over_backward(ctx, dy):
            x, w = ctx.saved_tensors
            return dy / w, dy * x / w**2

        over.register_autograd(over_backward, setup_context=_saved)
        inputs = torch.randn(3, 4), torch.rand(3, 4) + 0.5
    """,
    "modules": """
        import torch
        from torch import nn

        class Swish(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x, beta):
                ctx.save_for_backward(x, beta)
                return x * torch.sigmoid(beta * x)

            @staticmethod
            def backward(ctx, dy):
                x, beta = ctx.saved_tensors
                s = torch.sigmoid(beta * x)
                return dy * (s + beta * x * s * (1 - s)), (dy * x * x * s * (1 - s)).sum()

        class Lost(Swish):
            @staticmethod
            def backward(ctx, dy):
                return Swish.backward(ctx, dy)[0], None

        class Net(nn.Module):
            act = Swish
            example_inputs = (torch.randn(4, 5),)

            def __init__(self):
                super().__init__()
                self.linear, self.norm, self.drop = nn.Linear(5, 3), nn.BatchNorm1d(3), nn.Dropout(0.4)
                self.beta = nn.Parameter(torch.tensor(1.3))

            def forward(self, x):
                return self.drop(self.act.apply(self.norm(self.linear(x)), self.beta))

        class LostNet(Net):
            act = Lost

        def factory():
            return Net().eval()

        factory_inputs = Net.example_inputs
        instance, instance_inputs = LostNet(), Net.example_inputs
    """,
    "pairs": """
        import numpy as np

        def forward(x, w):
            return np.tanh(x @ w.T)

        def backward(dy, x, w):
            g = dy * (1 - np.tanh(x @ w.T) ** 2)
            return g @ w, g.T @ x

        def backward_sign(dy, x, w):
            g = dy * (1 - np.tanh(x @ w.T) ** 2)
            return g @ w, -g.T @ x

        def forward_cached(x, w):
            y = np.tanh(x @ w.T)
            return y, (x, w, y)

        def backward_cached(dy, cache):
            x, w, y = cache
            g = dy * (1 - y**2)
            return g @ w, g.T @ x

        def gather(x, index):
            return x[index]

        def gather_back(dy, x, index):
            dx = np.zeros_like(x)
            np.add.at(dx, index, dy)
            return dx, None

        def gather_overwrites(dy, x, index):
            dx = np.zeros_like(x)
            dx[index] = dy
            return dx, None

        def both(x):
            return np.sin(x), np.cos(x)

        def both_back(dy, x):
            return dy[0] * np.cos(x) - dy[1] * np.sin(x)

        pair, wrong_pair = (forward, backward), (forward, backward_sign)
        inputs = pair_inputs = wrong_pair_inputs = np.random.randn(4, 5), np.random.randn(3, 5)
        table = np.random.randn(6, 3), np.array([0, 2, 5, 2, 1, 2])
    """,
}

#: request → the words its worst row must hold, "" where it is right.
CASES = {
    "function": (Request("functions:scaled"), ""),
    "function by shapes": (Request("functions:scaled", shapes=((4, 5), (3, 5))), ""),
    "autograd.Function": (Request("functions:Square", inputs="functions:square"), ""),
    "autograd.Function, half": (Request("functions:Half", inputs="functions:square"), "half"),
    "dotted attribute": (Request("functions:Squares.Inner", inputs="functions:square"), "half"),
    "mask and number": (Request("functions:Masked"), ""),
    "mask forgotten": (Request("functions:Unmasked"), "dx["),
    "module class": (Request("modules:Net"), ""),
    "module factory": (Request("modules:factory"), ""),
    "module, a parameter's path lost": (Request("modules:LostNet"), "beta"),
    "module instance": (Request("modules:instance"), "beta"),
    "pair by backward": (Request("pairs:forward", backward="pairs:backward", inputs="pairs:inputs"), ""),
    "pair as a tuple": (Request("pairs:pair"), ""),
    "pair, sign": (Request("pairs:wrong_pair"), "sign"),
    "pair, sign, by shapes": (
        Request("pairs:forward", backward="pairs:backward_sign", shapes=((4, 5), (3, 5))),
        "sign",
    ),
    "pair with a cache": (
        Request("pairs:forward_cached", backward="pairs:backward_cached", inputs="pairs:inputs"),
        "",
    ),
    "pair over an index": (Request("pairs:gather", backward="pairs:gather_back", inputs="pairs:table"), ""),
    "pair, overwrites for adds": (
        Request("pairs:gather", backward="pairs:gather_overwrites", inputs="pairs:table"),
        "dx[",
    ),
    "pair of two outputs": (Request("pairs:both", backward="pairs:both_back", shapes=((3, 4),)), ""),
    "operation": (Request("operations:times", inputs="operations:inputs"), "forward mode"),
    "operation by its name": (
        Request("operations:torch.ops.derive_test.over", inputs="operations:inputs"),
        "sign",
    ),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    for name, text in PROJECT.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(text))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.syspath_prepend(str(folder))
        yield folder


@pytest.mark.parametrize("name", CASES)
def test_verdict(project, name):
    request, words = CASES[name]
    verdict = run(request)
    assert verdict.checked and pickle.loads(pickle.dumps(verdict)) == verdict
    assert verdict.target == request.target and verdict.rerun == request.command and verdict.seconds > 0
    said = " ".join(f"{row.check} {row.detail}" for row in verdict.failures)
    assert (words in said) if words else not said, said


def test_a_right_operation_fails_by_its_silent_forward_mode_alone(project):
    """torch.library offers no jvp, and answers 0."""
    verdict = run(Request("operations:times", inputs="operations:inputs"))
    assert {row.check for row in verdict.failures} == {"forward mode"}


def test_where_is_the_line_of_the_backward(project):
    def line(file, text):
        lines = (project / file).read_text().splitlines()
        return f"{file}:{next(i for i, one in enumerate(lines, 1) if text in one)}"

    assert run(Request("pairs:wrong_pair")).where == line("pairs.py", "def backward_sign")
    over = Request("operations:over", inputs="operations:inputs")
    assert run(over).where == line("operations.py", "def over_backward")
    half = run(Request("functions:Half", inputs="functions:square")).where
    file, number = half.split(":")
    assert file == "functions.py"
    assert "return dy * ctx.saved_tensors[0]" in "".join(
        (project / file).read_text().splitlines()[int(number) - 1 : int(number) + 2]
    )


def test_a_module_is_checked_in_both_modes_and_keeps_its_buffers(project):
    import modules
    import torch

    net = modules.Net()
    before = {n: x.clone() for n, x in net.state_dict().items()}
    verdict = check(net, torch.randn(4, 5))
    cases = {row.case for row in verdict.rows}
    assert any(c.endswith("in training") for c in cases) and any(c.endswith("in evaluation") for c in cases)
    assert verdict.passed and net.training
    assert all(torch.equal(x, before[n]) for n, x in net.state_dict().items())


def test_an_independent_forward_is_compared(project):
    import functions
    import torch

    inputs = functions.scaled_inputs()
    assert check(functions.scaled, *inputs, reference=lambda x, w: torch.tanh(torch.nn.functional.linear(x, w))).passed
    wrong = check(functions.scaled, *inputs, reference=lambda x, w: torch.sigmoid(x @ w.T))
    assert {row.check for row in wrong.failures} == {"forward"}
    asked = Request("functions:scaled", reference="functions:scaled")
    assert any(row.check == "forward" and row.status == "passed" for row in run(asked).rows)


def test_the_same_seed_gives_the_same_rows(project):
    def rows(seed):
        return [(r.check, r.case, r.status, r.error) for r in run(Request("pairs:pair", seed=seed)).rows]

    assert rows(3) == rows(3) != rows(4)


def test_random_numbers_of_the_caller_are_left_alone(project):
    import torch

    torch.manual_seed(1)
    expected = torch.randn(3)
    torch.manual_seed(1)
    torch.manual_seed(1)
    check(torch.nn.Dropout(0.5), torch.ones(4, 5))
    assert torch.equal(torch.randn(3), expected)
