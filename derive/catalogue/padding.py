"""Pads: what a plane is surrounded by.  ``padding`` is torch's: the last axis first, before and after."""


@layer(torch="nn.ConstantPad1d nn.ZeroPad1d nn.functional.pad")
def constant_pad1d(x: Real[..., L], *, padding: Int[2], value: Real = 0):
    """Surrounds the last axis with a constant."""
    OL = L + padding[0] + padding[1]
    y: Real[..., OL]
    y[..., l] = padded(x[..., l - padding[0]], value)
    return y


@layer(torch="nn.ConstantPad2d nn.ZeroPad2d nn.functional.pad")
def constant_pad2d(x: Real[..., H, W], *, padding: Int[4], value: Real = 0):
    """Surrounds the last two axes with a constant."""
    OH = H + padding[2] + padding[3]
    OW = W + padding[0] + padding[1]
    y: Real[..., OH, OW]
    y[..., h, w] = padded(x[..., h - padding[2], w - padding[0]], value)
    return y


@layer(torch="nn.ConstantPad3d nn.ZeroPad3d nn.functional.pad")
def constant_pad3d(x: Real[..., D, H, W], *, padding: Int[6], value: Real = 0):
    """Surrounds the last three axes with a constant."""
    OD = D + padding[4] + padding[5]
    OH = H + padding[2] + padding[3]
    OW = W + padding[0] + padding[1]
    y: Real[..., OD, OH, OW]
    y[..., d, h, w] = padded(x[..., d - padding[4], h - padding[2], w - padding[0]], value)
    return y


@layer(torch="nn.ReflectionPad1d nn.functional.pad")
def reflection_pad1d(x: Real[..., L], *, padding: Int[2]):
    """Mirrors the last axis at its ends, which are not repeated."""
    assert -L < padding[0] < L and -L < padding[1] < L
    OL = L + padding[0] + padding[1]
    y: Real[..., OL]
    y[..., l] = x[..., L - 1 - abs(L - 1 - abs(l - padding[0]))]
    return y


@layer(torch="nn.ReflectionPad2d nn.functional.pad")
def reflection_pad2d(x: Real[..., H, W], *, padding: Int[4]):
    """Mirrors the last two axes at their ends, which are not repeated."""
    assert -H < padding[2] < H and -H < padding[3] < H
    assert -W < padding[0] < W and -W < padding[1] < W
    OH = H + padding[2] + padding[3]
    OW = W + padding[0] + padding[1]
    y: Real[..., OH, OW]
    y[..., h, w] = x[..., H - 1 - abs(H - 1 - abs(h - padding[2])), W - 1 - abs(W - 1 - abs(w - padding[0]))]
    return y


@layer(torch="nn.ReflectionPad3d nn.functional.pad")
def reflection_pad3d(x: Real[..., D, H, W], *, padding: Int[6]):
    """Mirrors the last three axes at their ends, which are not repeated."""
    assert -D < padding[4] < D and -D < padding[5] < D
    assert -H < padding[2] < H and -H < padding[3] < H
    assert -W < padding[0] < W and -W < padding[1] < W
    OD = D + padding[4] + padding[5]
    OH = H + padding[2] + padding[3]
    OW = W + padding[0] + padding[1]
    y: Real[..., OD, OH, OW]
    y[..., d, h, w] = x[
        ...,
        D - 1 - abs(D - 1 - abs(d - padding[4])),
        H - 1 - abs(H - 1 - abs(h - padding[2])),
        W - 1 - abs(W - 1 - abs(w - padding[0])),
    ]
    return y


@layer(torch="nn.ReplicationPad1d nn.functional.pad")
def replication_pad1d(x: Real[..., L], *, padding: Int[2]):
    """Repeats the ends of the last axis."""
    assert L > 0
    OL = L + padding[0] + padding[1]
    y: Real[..., OL]
    y[..., l] = x[..., min(max(l - padding[0], 0), L - 1)]
    return y


@layer(torch="nn.ReplicationPad2d nn.functional.pad")
def replication_pad2d(x: Real[..., H, W], *, padding: Int[4]):
    """Repeats the ends of the last two axes."""
    assert H > 0 and W > 0
    OH = H + padding[2] + padding[3]
    OW = W + padding[0] + padding[1]
    y: Real[..., OH, OW]
    y[..., h, w] = x[..., min(max(h - padding[2], 0), H - 1), min(max(w - padding[0], 0), W - 1)]
    return y


@layer(torch="nn.ReplicationPad3d nn.functional.pad")
def replication_pad3d(x: Real[..., D, H, W], *, padding: Int[6]):
    """Repeats the ends of the last three axes."""
    assert D > 0 and H > 0 and W > 0
    OD = D + padding[4] + padding[5]
    OH = H + padding[2] + padding[3]
    OW = W + padding[0] + padding[1]
    y: Real[..., OD, OH, OW]
    y[..., d, h, w] = x[
        ...,
        min(max(d - padding[4], 0), D - 1),
        min(max(h - padding[2], 0), H - 1),
        min(max(w - padding[0], 0), W - 1),
    ]
    return y


@layer(torch="nn.CircularPad1d nn.functional.pad")
def circular_pad1d(x: Real[..., L], *, padding: Int[2]):
    """Continues the last axis from its other end."""
    assert 0 <= padding[0] <= L and 0 <= padding[1] <= L
    OL = L + padding[0] + padding[1]
    y: Real[..., OL]
    y[..., l] = x[..., (l - padding[0])%L]
    return y


@layer(torch="nn.CircularPad2d nn.functional.pad")
def circular_pad2d(x: Real[..., H, W], *, padding: Int[4]):
    """Continues the last two axes from their other end."""
    assert 0 <= padding[2] <= H and 0 <= padding[3] <= H
    assert 0 <= padding[0] <= W and 0 <= padding[1] <= W
    OH = H + padding[2] + padding[3]
    OW = W + padding[0] + padding[1]
    y: Real[..., OH, OW]
    y[..., h, w] = x[..., (h - padding[2])%H, (w - padding[0])%W]
    return y


@layer(torch="nn.CircularPad3d nn.functional.pad")
def circular_pad3d(x: Real[..., D, H, W], *, padding: Int[6]):
    """Continues the last three axes from their other end."""
    assert 0 <= padding[4] <= D and 0 <= padding[5] <= D
    assert 0 <= padding[2] <= H and 0 <= padding[3] <= H
    assert 0 <= padding[0] <= W and 0 <= padding[1] <= W
    OD = D + padding[4] + padding[5]
    OH = H + padding[2] + padding[3]
    OW = W + padding[0] + padding[1]
    y: Real[..., OD, OH, OW]
    y[..., d, h, w] = x[..., (d - padding[4])%D, (h - padding[2])%H, (w - padding[0])%W]
    return y
