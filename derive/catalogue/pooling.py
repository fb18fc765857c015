"""Pooling over windows of the last two axes."""


@layer(torch="nn.MaxPool2d nn.functional.max_pool2d")
def max_pool2d(
    x: Real[..., H, W],
    *,
    kernel_size: Int[2], stride: Int[2] = kernel_size, padding: Int[2] = 0, dilation: Int[2] = 1,
    ceil_mode: Bool = False,
):
    """Largest value of each window; padding never wins, the first of equals does."""
    assert kernel_size[0] > 0 and kernel_size[1] > 0
    assert stride[0] > 0 and stride[1] > 0
    assert dilation[0] > 0 and dilation[1] > 0
    if ceil_mode:
        CH = -(-(H + 2*padding[0] - dilation[0]*(kernel_size[0] - 1) - 1)//stride[0]) + 1
        CW = -(-(W + 2*padding[1] - dilation[1]*(kernel_size[1] - 1) - 1)//stride[1]) + 1
        OH = CH - 1 if (CH - 1)*stride[0] >= H + padding[0] else CH
        OW = CW - 1 if (CW - 1)*stride[1] >= W + padding[1] else CW
    else:
        OH = (H + 2*padding[0] - dilation[0]*(kernel_size[0] - 1) - 1)//stride[0] + 1
        OW = (W + 2*padding[1] - dilation[1]*(kernel_size[1] - 1) - 1)//stride[1] + 1
    y: Real[..., OH, OW]
    y[..., p, q] = max[i < kernel_size[0], j < kernel_size[1]](
        x[..., p*stride[0] + i*dilation[0] - padding[0], q*stride[1] + j*dilation[1] - padding[1]])
    return y


@layer(torch="nn.AvgPool2d nn.functional.avg_pool2d")
def avg_pool2d(
    x: Real[..., H, W],
    *,
    kernel_size: Int[2], stride: Int[2] = kernel_size, padding: Int[2] = 0,
    ceil_mode: Bool = False, count_include_pad: Bool = True,
):
    """Mean of each window, over the padding too where ``count_include_pad``."""
    assert kernel_size[0] > 0 and kernel_size[1] > 0
    assert stride[0] > 0 and stride[1] > 0
    if ceil_mode:
        CH = -(-(H + 2*padding[0] - kernel_size[0])//stride[0]) + 1
        CW = -(-(W + 2*padding[1] - kernel_size[1])//stride[1]) + 1
        OH = CH - 1 if (CH - 1)*stride[0] >= H + padding[0] else CH
        OW = CW - 1 if (CW - 1)*stride[1] >= W + padding[1] else CW
    else:
        OH = (H + 2*padding[0] - kernel_size[0])//stride[0] + 1
        OW = (W + 2*padding[1] - kernel_size[1])//stride[1] + 1
    y: Real[..., OH, OW]
    if not count_include_pad:
        y[..., p, q] = mean[i < kernel_size[0], j < kernel_size[1]](
            x[..., p*stride[0] + i - padding[0], q*stride[1] + j - padding[1]])
    elif ceil_mode:
        y[..., p, q] = sum[i < kernel_size[0], j < kernel_size[1]](
            x[..., p*stride[0] + i - padding[0], q*stride[1] + j - padding[1]]
        )/(min(kernel_size[0], H + 2*padding[0] - p*stride[0])*min(kernel_size[1], W + 2*padding[1] - q*stride[1]))
    else:
        y[..., p, q] = sum[i < kernel_size[0], j < kernel_size[1]](
            x[..., p*stride[0] + i - padding[0], q*stride[1] + j - padding[1]]
        )/(kernel_size[0]*kernel_size[1])
    return y


@layer(torch="nn.AdaptiveAvgPool2d nn.functional.adaptive_avg_pool2d")
def adaptive_avg_pool2d(x: Real[..., H, W], *, output_size: Int[2]):
    """Mean over windows that divide the plane as evenly as whole points allow."""
    OH = output_size[0]
    OW = output_size[1]
    y: Real[..., OH, OW]
    y[..., p, q] = mean[
        p*H//OH <= h < -(-(p + 1)*H//OH),
        q*W//OW <= w < -(-(q + 1)*W//OW),
    ](x[..., h, w])
    return y


@layer(torch="nn.PixelShuffle nn.functional.pixel_shuffle")
def pixel_shuffle(x: Real[..., [C, upscale_factor, upscale_factor], H, W], *, upscale_factor: Int):
    """Channels become finer pixels: y[c, h·r + i, w·r + j] = x[(c·r + i)·r + j, h, w]."""
    y[..., c, [h, i], [w, j]] = x[..., [c, i, j], h, w]
    return y
