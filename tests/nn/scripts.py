"""Training scripts as people write them, of torch.nn or of what stands in its place: model, data, loss.

``SCRIPTS``: name → a function of the namespace that gives the model and ``loss(model, k)`` of its k-th batch.
"""

from __future__ import annotations

import functools

import torch


def draws(k):
    return torch.Generator().manual_seed(100 + k)


@functools.cache
def drawn(k, *shape):
    return torch.randn(*shape, generator=draws(k), dtype=torch.float64)


def real(k, *shape):
    return drawn(k, *shape).to(torch.get_default_dtype())


@functools.cache
def whole(k, high, *shape):
    return torch.randint(high, shape, generator=draws(k + 50))


def convnet(nn):
    F = nn.functional

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.conv2 = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 6, 3, stride=2, padding="valid")
            self.bn = nn.BatchNorm2d(4)
            self.dropout1, self.dropout2 = nn.Dropout2d(0.25), nn.Dropout(0.5)
            self.fc1, self.fc2 = nn.Linear(6, 8), nn.Linear(8, 5)

        def forward(self, x):
            x = F.relu(self.bn(self.conv1(x)))
            x = F.max_pool2d(F.relu(self.conv2(x)), 2)
            x = torch.flatten(self.dropout1(x), 1)
            x = self.dropout2(F.relu(self.fc1(x)))
            return F.log_softmax(self.fc2(x), dim=1)

    return Net(), lambda model, k: F.nll_loss(model(real(k, 6, 1, 9, 9)), whole(k, 5, 6))


def resnet(nn):
    class Block(nn.Module):
        def __init__(self, inside, out, stride):
            super().__init__()
            self.conv1 = nn.Conv2d(inside, out, 3, stride, 1, bias=False)
            self.bn1, self.relu = nn.BatchNorm2d(out), nn.ReLU(inplace=True)
            self.conv2, self.bn2 = nn.Conv2d(out, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out)
            self.downsample = nn.Sequential(nn.Conv2d(inside, out, 1, stride, bias=False), nn.BatchNorm2d(out))

        def forward(self, x):
            out = self.relu(self.bn1(self.conv1(x)))
            out = self.bn2(self.conv2(out))
            out += self.downsample(x)
            return self.relu(out)

    stem = (nn.Conv2d(3, 4, 7, 2, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1))
    net = nn.Sequential(
        *stem, Block(4, 4, 1), Block(4, 6, 2), nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(), nn.Linear(6, 3)
    )
    for m in net.modules():
        if isinstance(m, nn.Conv2d):
            nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(m, (nn.BatchNorm2d, nn.GroupNorm)):
            nn.init.constant_(m.weight, 1)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    return net, lambda model, k: criterion(model(real(k, 3, 3, 16, 12)), whole(k, 3, 3))


def unet(nn):
    def twice(inside, out):
        return nn.Sequential(
            nn.Conv2d(inside, out, 3, padding=1, padding_mode="reflect"), nn.InstanceNorm2d(out, affine=True),
            nn.LeakyReLU(0.1), nn.Conv2d(out, out, 3, padding="same"), nn.PReLU(out),
        )  # fmt: skip

    class UNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.down1, self.down2, self.pool = twice(1, 2), twice(2, 4), nn.MaxPool2d(2)
            self.bottom = twice(4, 4)
            self.up2 = nn.ConvTranspose2d(4, 4, 2, stride=2)
            self.up1 = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
            self.right2, self.right1, self.head = twice(8, 4), twice(6, 2), nn.Conv2d(2, 1, 1)

        def forward(self, x):
            a = self.down1(x)
            b = self.down2(self.pool(a))
            c = self.bottom(self.pool(b))
            c = self.right2(torch.cat([self.up2(c), b], 1))
            return self.head(self.right1(torch.cat([self.up1(c), a], 1)))

    criterion = nn.BCEWithLogitsLoss(pos_weight=torch.tensor([2.0]))
    target = lambda k: (real(k + 9, 2, 1, 8, 8) > 0).to(torch.get_default_dtype())  # noqa: E731
    return UNet(), lambda model, k: criterion(model(real(k, 2, 1, 8, 8)), target(k))


def gpt(nn):
    F = nn.functional

    class Block(nn.Module):
        def __init__(self, d, heads):
            super().__init__()
            self.ln1, self.ln2 = nn.LayerNorm(d), nn.RMSNorm(d)
            self.attn = nn.MultiheadAttention(d, heads, dropout=0.1, batch_first=True)
            self.mlp = nn.Sequential(nn.Linear(d, 2 * d), nn.GELU(approximate="tanh"), nn.Linear(2 * d, d))

        def forward(self, x):
            mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1], device=x.device, dtype=x.dtype)
            h = self.ln1(x)
            x = x + self.attn(h, h, h, attn_mask=mask, is_causal=True, need_weights=False)[0]
            return x + self.mlp(self.ln2(x))

    class GPT(nn.Module):
        def __init__(self, vocabulary=11, d=8, length=6):
            super().__init__()
            self.wte, self.wpe = nn.Embedding(vocabulary, d), nn.Embedding(length, d)
            self.drop, self.blocks = nn.Dropout(0.1), nn.ModuleList([Block(d, 2), Block(d, 4)])
            self.head = nn.Linear(d, vocabulary, bias=False)
            self.head.weight = self.wte.weight

        def forward(self, token):
            x = self.drop(self.wte(token) + self.wpe(torch.arange(token.shape[1])))
            for block in self.blocks:
                x = block(x)
            return self.head(x)

    def loss(model, k):
        token = whole(k, 11, 2, 7)
        y = model(token[:, :-1])
        return F.cross_entropy(y.reshape(-1, 11), token[:, 1:].reshape(-1), ignore_index=3)

    return GPT(), loss


def gpt_sdpa(nn):
    """Attention by hand, as nanoGPT has it."""
    F = nn.functional

    class Attention(nn.Module):
        def __init__(self, d, heads):
            super().__init__()
            self.c_attn, self.c_proj, self.heads = nn.Linear(d, 3 * d), nn.Linear(d, d), heads

        def forward(self, x):
            B, T, C = x.shape
            parts = self.c_attn(x).split(C, dim=2)
            q, k, v = (p.view(B, T, self.heads, C // self.heads).transpose(1, 2) for p in parts)
            y = F.scaled_dot_product_attention(q, k, v, dropout_p=0.1 if self.training else 0, is_causal=True)
            return self.c_proj(y.transpose(1, 2).contiguous().view(B, T, C))

    net = nn.Sequential(nn.Embedding(9, 8, padding_idx=0), Attention(8, 2), nn.LayerNorm(8), nn.Linear(8, 9))
    return net, lambda m, k: F.cross_entropy(m(whole(k, 9, 2, 5)).transpose(1, 2), whole(k + 1, 9, 2, 5))


def transformer(nn):
    class Seq2Seq(nn.Module):
        def __init__(self, d=8):
            super().__init__()
            self.emb = nn.Embedding(9, d)
            self.core = nn.Transformer(
                d, 2, 1, 1, 12, dropout=0.1, activation="gelu", batch_first=True, norm_first=True
            )
            self.out = nn.Linear(d, 9)

        def forward(self, source, target):
            mask = nn.Transformer.generate_square_subsequent_mask(target.shape[1])
            empty = source == 0
            y = self.core(self.emb(source), self.emb(target), tgt_mask=mask, src_key_padding_mask=empty,
                          memory_key_padding_mask=empty, tgt_is_causal=True)  # fmt: skip
            return self.out(y)

    def loss(model, k):
        source, target = torch.tensor([[1, 2, 3, 0, 0], [4, 5, 6, 7, 8]]), whole(k, 9, 2, 4)
        return nn.CrossEntropyLoss()(model(source, target).flatten(0, 1), target.flatten())

    return Seq2Seq(), loss


def encoder(nn):
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, activation=nn.functional.relu)
    stack = nn.TransformerEncoder(layer, 2, norm=nn.LayerNorm(8))
    return stack, lambda model, k: nn.SmoothL1Loss(beta=0.3)(model(real(k, 4, 3, 8)), real(k + 1, 4, 3, 8))


def lstm(nn):
    rnn = nn.utils.rnn

    class Tagger(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb = nn.Embedding(10, 4, padding_idx=0)
            self.lstm = nn.LSTM(4, 3, num_layers=2, bidirectional=True, batch_first=True, dropout=0.2)
            self.gru = nn.GRU(6, 4, batch_first=True)
            self.cell, self.out = nn.LSTMCell(4, 5), nn.Linear(5, 10)

        def forward(self, token, lengths):
            packed = rnn.pack_padded_sequence(self.emb(token), lengths, batch_first=True, enforce_sorted=False)
            y, (h, c) = self.lstm(packed)
            y, _ = rnn.pad_packed_sequence(y, batch_first=True)
            y, _ = self.gru(y)
            state = None
            for step in y.unbind(1):
                state = self.cell(step, state)
            return self.out(state[0]) + h.mean() + c.mean()

    def loss(model, k):
        lengths = torch.tensor([3, 5, 2])
        return nn.functional.cross_entropy(model(whole(k, 10, 3, 5), lengths), whole(k + 1, 10, 3))

    return Tagger(), loss


def speech(nn):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv1d(3, 4, 3, padding=1, groups=1, dilation=1)
            self.rnn, self.out = nn.RNN(4, 5, nonlinearity="relu", bidirectional=True), nn.Linear(10, 6)

        def forward(self, x):
            y, _ = self.rnn(nn.functional.hardtanh(self.conv(x)).permute(2, 0, 1))
            return self.out(y).log_softmax(-1)

    ctc = nn.CTCLoss(blank=0, zero_infinity=True)

    def loss(model, k):
        return ctc(model(real(k, 2, 3, 8)), 1 + whole(k, 5, 2, 3), torch.tensor([8, 7]), torch.tensor([3, 2]))

    return Net(), loss


def vae(nn):
    F = nn.functional

    class VAE(nn.Module):
        def __init__(self):
            super().__init__()
            self.enc, self.mu, self.logvar = nn.Linear(10, 8), nn.Linear(8, 3), nn.Linear(8, 3)
            self.dec = nn.Sequential(nn.Linear(3, 8), nn.Softplus(), nn.Linear(8, 10), nn.Sigmoid())

        def forward(self, x):
            h = F.elu(self.enc(x))
            mu, logvar = self.mu(h), self.logvar(h)
            z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)
            return self.dec(z), mu, logvar

    def loss(model, k):
        x = real(k, 4, 10).sigmoid()
        y, mu, logvar = model(x)
        bce = F.binary_cross_entropy(y, x, reduction="sum")
        return (bce - 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())) / 40

    return VAE(), loss


def wgan(nn):
    """Critic with spectral and weight norm, gradient penalty."""
    from torch.nn.utils import parametrizations

    class GAN(nn.Module):
        def __init__(self):
            super().__init__()
            self.g = nn.Sequential(
                nn.ConvTranspose1d(3, 4, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Conv1d(4, 1, 1), nn.Tanh()
            )
            self.d = nn.Sequential(
                parametrizations.spectral_norm(nn.Conv1d(1, 4, 3)), nn.SiLU(), nn.Flatten(),
                parametrizations.weight_norm(nn.Linear(8, 4)), nn.LeakyReLU(0.2),
                parametrizations.orthogonal(nn.Linear(4, 4)), nn.Tanh(), nn.Linear(4, 1),
            )  # fmt: skip

    def loss(model, k):
        true, z = real(k, 5, 1, 4), real(k + 1, 5, 3, 1)
        fake = model.g(z)
        between = (0.3 * true + 0.7 * fake).requires_grad_()
        (g,) = torch.autograd.grad(model.d(between).sum(), between, create_graph=True)
        penalty = ((g.flatten(1).norm(2, dim=1) - 1) ** 2).mean()
        return model.d(fake).mean() - model.d(true).mean() + 10 * penalty

    return GAN(), loss


def siamese(nn):
    net = nn.Sequential(nn.Linear(6, 8), nn.Hardswish(), nn.Dropout1d(0.2), nn.Linear(8, 4), nn.CELU())
    triplet = nn.TripletMarginLoss(margin=0.7, p=2, swap=True)
    cosine = nn.CosineEmbeddingLoss(margin=0.2)
    ranking = nn.TripletMarginWithDistanceLoss(distance_function=nn.PairwiseDistance(p=1))

    def loss(model, k):
        a, p, n = (model(real(k + j, 5, 6)) for j in range(3))
        return triplet(a, p, n) + cosine(a, n, -torch.ones(5)) + ranking(a, p, n)

    return net, loss


def recommender(nn):
    class DLRM(nn.Module):
        def __init__(self):
            super().__init__()
            self.bags = nn.ModuleList(
                [nn.EmbeddingBag(9, 4, mode="sum"), nn.EmbeddingBag(7, 4, mode="mean", padding_idx=1)]
            )
            self.fm, self.top = nn.Bilinear(4, 4, 3), nn.Linear(3, 1)

        def forward(self, token, offsets, weights):
            a = self.bags[0](token, offsets, per_sample_weights=weights)
            b = self.bags[1](token % 7, offsets)
            return self.top(nn.functional.mish(self.fm(a, b))).squeeze(-1)

    def loss(model, k):
        y = model(whole(k, 9, 8), torch.tensor([0, 3, 3, 6]), real(k, 8).abs())
        return nn.PoissonNLLLoss()(y, real(k, 4).abs())

    return DLRM(), loss


def diffusion(nn):
    F = nn.functional

    class Res(nn.Module):
        def __init__(self, inside, out, emb):
            super().__init__()
            self.norm1, self.conv1 = nn.GroupNorm(2, inside), nn.Conv2d(inside, out, 3, padding=1)
            self.emb, self.norm2, self.conv2 = (
                nn.Linear(emb, 2 * out),
                nn.GroupNorm(2, out),
                nn.Conv2d(out, out, 3, padding=1),
            )
            self.skip = nn.Conv2d(inside, out, 1) if inside != out else nn.Identity()

        def forward(self, x, t):
            h = self.conv1(F.silu(self.norm1(x)))
            scale, shift = self.emb(F.silu(t))[:, :, None, None].chunk(2, 1)
            return self.skip(x) + self.conv2(F.silu(self.norm2(h) * (1 + scale) + shift))

    class UNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.time = nn.Sequential(nn.Linear(4, 8), nn.SiLU(), nn.Linear(8, 8))
            self.inp, self.a, self.b = nn.Conv2d(1, 4, 3, padding=1), Res(4, 4, 8), Res(4, 6, 8)
            self.down, self.shuffle = nn.PixelUnshuffle(2), nn.PixelShuffle(2)
            self.mix, self.out = nn.Conv2d(16, 4, 1), nn.Conv2d(4 + 1, 1, 1)
            self.up = nn.Conv2d(6, 4, 3, padding=1)

        def forward(self, x, t):
            freq = torch.exp(torch.arange(2) * -1.5)
            t = self.time(torch.cat([(t[:, None] * freq).sin(), (t[:, None] * freq).cos()], 1).to(x.dtype))
            h = self.a(self.inp(x), t)
            low = self.b(self.mix(self.down(h)), t)
            return self.out(torch.cat([h, self.shuffle(self.up(low))], 1))

    def loss(model, k):
        x, noise, t = real(k, 2, 1, 6, 4), real(k + 1, 2, 1, 6, 4), whole(k, 10, 2)
        return F.mse_loss(model(0.8 * x + 0.6 * noise, t.to(x.dtype)), noise)

    return UNet(), loss


SCRIPTS = {
    f.__name__: f
    for f in (convnet, resnet, unet, gpt, gpt_sdpa, transformer, encoder, lstm, speech, vae, wgan, siamese,
              recommender, diffusion)
}  # fmt: skip
