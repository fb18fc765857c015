"""Values moved: pixels, channels, windows."""


@layer(torch="nn.PixelShuffle nn.functional.pixel_shuffle")
def pixel_shuffle(x: Real[..., [C, upscale_factor, upscale_factor], H, W], *, upscale_factor: Int):
    """Channels become finer pixels: y[c, h·r + i, w·r + j] = x[(c·r + i)·r + j, h, w]."""
    y[..., c, [h, i], [w, j]] = x[..., [c, i, j], h, w]
    return y


@layer(torch="nn.PixelUnshuffle nn.functional.pixel_unshuffle")
def pixel_unshuffle(x: Real[..., C, [H, downscale_factor], [W, downscale_factor]], *, downscale_factor: Int):
    """Finer pixels become channels: y[(c·r + i)·r + j, h, w] = x[c, h·r + i, w·r + j]."""
    y[..., [c, i, j], h, w] = x[..., c, [h, i], [w, j]]
    return y


@layer(torch="nn.ChannelShuffle nn.functional.channel_shuffle nn.functional.native_channel_shuffle")
def channel_shuffle(x: Real[N, [groups, C], ...], *, groups: Int):
    """The first channel of every group, then the second of every group, and so on."""
    y[n, [c, g], ...] = x[n, [g, c], ...]
    return y


@layer(torch="nn.Unfold nn.functional.unfold")
def unfold(
    x: Real[N, C, H, W],
    *,
    kernel_size: Int[2], dilation: Int[2] = 1, padding: Int[2] = 0, stride: Int[2] = 1,
):
    """Every window as a column: y[n, (c, i, j), (p, q)] = x[n, c, p·stride + i·dilation − padding, …]."""
    P = (H + 2*padding[0] - dilation[0]*(kernel_size[0] - 1) - 1)//stride[0] + 1
    Q = (W + 2*padding[1] - dilation[1]*(kernel_size[1] - 1) - 1)//stride[1] + 1
    y: Real[N, [C, kernel_size[0], kernel_size[1]], [P, Q]]
    y[n, [c, i, j], [p, q]] = padded(
        x[n, c, p*stride[0] + i*dilation[0] - padding[0], q*stride[1] + j*dilation[1] - padding[1]], 0)
    return y


@layer(torch="nn.Fold nn.functional.fold")
def fold(
    x: Real[N, [C, kernel_size[0], kernel_size[1]], [P, Q]],
    *,
    output_size: Int[2], kernel_size: Int[2], dilation: Int[2] = 1, padding: Int[2] = 0, stride: Int[2] = 1,
):
    """Columns added up where their windows lie: the transpose of unfold."""
    P = (output_size[0] + 2*padding[0] - dilation[0]*(kernel_size[0] - 1) - 1)//stride[0] + 1
    Q = (output_size[1] + 2*padding[1] - dilation[1]*(kernel_size[1] - 1) - 1)//stride[1] + 1
    y: Real[N, C, output_size[0], output_size[1]]
    y[n, c, h, w] = sum[
        i, j, p, q,
        p*stride[0] + i*dilation[0] - padding[0] == h,
        q*stride[1] + j*dilation[1] - padding[1] == w,
    ](x[n, [c, i, j], [p, q]])
    return y
