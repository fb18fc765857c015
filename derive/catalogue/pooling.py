"""Pools: windows of the last axes reduced; ``stride`` is the window's own size unless given."""


@layer(torch="nn.MaxPool1d nn.functional.max_pool1d")
def max_pool1d(
    x: Real[..., L],
    *,
    kernel_size: Int, stride: Int = kernel_size, padding: Int = 0, dilation: Int = 1,
    return_indices: Bool = False, ceil_mode: Bool = False,
):
    """Largest value of each window; padding never wins, the first of equals does."""
    assert kernel_size > 0 and stride > 0 and dilation > 0
    if ceil_mode:
        CL = -(-(L + 2*padding - dilation*(kernel_size - 1) - 1)//stride) + 1
        OL = CL - 1 if (CL - 1)*stride >= L + padding else CL
    else:
        OL = (L + 2*padding - dilation*(kernel_size - 1) - 1)//stride + 1
    y: Real[..., OL]
    y[..., p] = max[i < kernel_size](
        x[..., p*stride + i*dilation - padding])
    if return_indices:
        tap: Index[..., OL]
        tap[..., p] = argmax[i < kernel_size](
            x[..., p*stride + i*dilation - padding])
        indices: Index[..., OL]
        indices[..., p] = p*stride + tap[..., p]*dilation - padding
        return y, indices
    return y


@layer(torch="nn.MaxPool2d nn.functional.max_pool2d")
def max_pool2d(
    x: Real[..., H, W],
    *,
    kernel_size: Int[2], stride: Int[2] = kernel_size, padding: Int[2] = 0, dilation: Int[2] = 1,
    return_indices: Bool = False, ceil_mode: Bool = False,
):
    """Largest value of each window; padding never wins, the first of equals does."""
    assert kernel_size[0] > 0 and stride[0] > 0 and dilation[0] > 0
    assert kernel_size[1] > 0 and stride[1] > 0 and dilation[1] > 0
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
    if return_indices:
        tap: Index[..., OH, OW]
        tap[..., p, q] = argmax[i < kernel_size[0], j < kernel_size[1]](
            x[..., p*stride[0] + i*dilation[0] - padding[0], q*stride[1] + j*dilation[1] - padding[1]])
        indices: Index[..., OH, OW]
        indices[..., p, q] = (
            (p*stride[0] + tap[..., p, q]//kernel_size[1]*dilation[0] - padding[0])*W
            + q*stride[1] + tap[..., p, q]%kernel_size[1]*dilation[1] - padding[1])
        return y, indices
    return y


@layer(torch="nn.MaxPool3d nn.functional.max_pool3d")
def max_pool3d(
    x: Real[..., D, H, W],
    *,
    kernel_size: Int[3], stride: Int[3] = kernel_size, padding: Int[3] = 0, dilation: Int[3] = 1,
    return_indices: Bool = False, ceil_mode: Bool = False,
):
    """Largest value of each window; padding never wins, the first of equals does."""
    assert kernel_size[0] > 0 and stride[0] > 0 and dilation[0] > 0
    assert kernel_size[1] > 0 and stride[1] > 0 and dilation[1] > 0
    assert kernel_size[2] > 0 and stride[2] > 0 and dilation[2] > 0
    if ceil_mode:
        CD = -(-(D + 2*padding[0] - dilation[0]*(kernel_size[0] - 1) - 1)//stride[0]) + 1
        CH = -(-(H + 2*padding[1] - dilation[1]*(kernel_size[1] - 1) - 1)//stride[1]) + 1
        CW = -(-(W + 2*padding[2] - dilation[2]*(kernel_size[2] - 1) - 1)//stride[2]) + 1
        OD = CD - 1 if (CD - 1)*stride[0] >= D + padding[0] else CD
        OH = CH - 1 if (CH - 1)*stride[1] >= H + padding[1] else CH
        OW = CW - 1 if (CW - 1)*stride[2] >= W + padding[2] else CW
    else:
        OD = (D + 2*padding[0] - dilation[0]*(kernel_size[0] - 1) - 1)//stride[0] + 1
        OH = (H + 2*padding[1] - dilation[1]*(kernel_size[1] - 1) - 1)//stride[1] + 1
        OW = (W + 2*padding[2] - dilation[2]*(kernel_size[2] - 1) - 1)//stride[2] + 1
    y: Real[..., OD, OH, OW]
    y[..., r, p, q] = max[h < kernel_size[0], i < kernel_size[1], j < kernel_size[2]](
        x[
            ...,
            r*stride[0] + h*dilation[0] - padding[0],
            p*stride[1] + i*dilation[1] - padding[1],
            q*stride[2] + j*dilation[2] - padding[2],
        ])
    if return_indices:
        tap: Index[..., OD, OH, OW]
        tap[..., r, p, q] = argmax[h < kernel_size[0], i < kernel_size[1], j < kernel_size[2]](
            x[
                ...,
                r*stride[0] + h*dilation[0] - padding[0],
                p*stride[1] + i*dilation[1] - padding[1],
                q*stride[2] + j*dilation[2] - padding[2],
            ])
        indices: Index[..., OD, OH, OW]
        indices[..., r, p, q] = (
            (r*stride[0] + tap[..., r, p, q]//(kernel_size[1]*kernel_size[2])*dilation[0] - padding[0])*H*W
            + (p*stride[1] + tap[..., r, p, q]//kernel_size[2]%kernel_size[1]*dilation[1] - padding[1])*W
            + q*stride[2] + tap[..., r, p, q]%kernel_size[2]*dilation[2] - padding[2])
        return y, indices
    return y


@layer(torch="nn.AvgPool1d nn.functional.avg_pool1d")
def avg_pool1d(
    x: Real[..., L],
    *,
    kernel_size: Int, stride: Int = kernel_size, padding: Int = 0,
    ceil_mode: Bool = False, count_include_pad: Bool = True,
):
    """Mean of each window, over the padding too where ``count_include_pad``."""
    assert kernel_size > 0 and stride > 0
    if ceil_mode:
        CL = -(-(L + 2*padding - kernel_size)//stride) + 1
        OL = CL - 1 if (CL - 1)*stride >= L + padding else CL
    else:
        OL = (L + 2*padding - kernel_size)//stride + 1
    y: Real[..., OL]
    if not count_include_pad:
        y[..., p] = mean[i < kernel_size](
            x[..., p*stride + i - padding])
    elif ceil_mode:
        y[..., p] = sum[i < kernel_size](
            x[..., p*stride + i - padding])/min(kernel_size, L + 2*padding - p*stride)
    else:
        y[..., p] = sum[i < kernel_size](
            x[..., p*stride + i - padding])/kernel_size
    return y


@layer(torch="nn.AvgPool2d nn.functional.avg_pool2d")
def avg_pool2d(
    x: Real[..., H, W],
    *,
    kernel_size: Int[2], stride: Int[2] = kernel_size, padding: Int[2] = 0,
    ceil_mode: Bool = False, count_include_pad: Bool = True, divisor_override: Int = None,
):
    """Mean of each window, over the padding too where ``count_include_pad``."""
    assert kernel_size[0] > 0 and stride[0] > 0
    assert kernel_size[1] > 0 and stride[1] > 0
    if ceil_mode:
        CH = -(-(H + 2*padding[0] - kernel_size[0])//stride[0]) + 1
        CW = -(-(W + 2*padding[1] - kernel_size[1])//stride[1]) + 1
        OH = CH - 1 if (CH - 1)*stride[0] >= H + padding[0] else CH
        OW = CW - 1 if (CW - 1)*stride[1] >= W + padding[1] else CW
    else:
        OH = (H + 2*padding[0] - kernel_size[0])//stride[0] + 1
        OW = (W + 2*padding[1] - kernel_size[1])//stride[1] + 1
    y: Real[..., OH, OW]
    if divisor_override is not None:
        y[..., p, q] = sum[i < kernel_size[0], j < kernel_size[1]](
            x[..., p*stride[0] + i - padding[0], q*stride[1] + j - padding[1]])/divisor_override
    elif not count_include_pad:
        y[..., p, q] = mean[i < kernel_size[0], j < kernel_size[1]](
            x[..., p*stride[0] + i - padding[0], q*stride[1] + j - padding[1]])
    elif ceil_mode:
        y[..., p, q] = sum[i < kernel_size[0], j < kernel_size[1]](
            x[..., p*stride[0] + i - padding[0], q*stride[1] + j - padding[1]])/(
            min(kernel_size[0], H + 2*padding[0] - p*stride[0])
            * min(kernel_size[1], W + 2*padding[1] - q*stride[1])
        )
    else:
        y[..., p, q] = sum[i < kernel_size[0], j < kernel_size[1]](
            x[..., p*stride[0] + i - padding[0], q*stride[1] + j - padding[1]])/(kernel_size[0]*kernel_size[1])
    return y


@layer(torch="nn.AvgPool3d nn.functional.avg_pool3d")
def avg_pool3d(
    x: Real[..., D, H, W],
    *,
    kernel_size: Int[3], stride: Int[3] = kernel_size, padding: Int[3] = 0,
    ceil_mode: Bool = False, count_include_pad: Bool = True, divisor_override: Int = None,
):
    """Mean of each window, over the padding too where ``count_include_pad``."""
    assert kernel_size[0] > 0 and stride[0] > 0
    assert kernel_size[1] > 0 and stride[1] > 0
    assert kernel_size[2] > 0 and stride[2] > 0
    if ceil_mode:
        CD = -(-(D + 2*padding[0] - kernel_size[0])//stride[0]) + 1
        CH = -(-(H + 2*padding[1] - kernel_size[1])//stride[1]) + 1
        CW = -(-(W + 2*padding[2] - kernel_size[2])//stride[2]) + 1
        OD = CD - 1 if (CD - 1)*stride[0] >= D + padding[0] else CD
        OH = CH - 1 if (CH - 1)*stride[1] >= H + padding[1] else CH
        OW = CW - 1 if (CW - 1)*stride[2] >= W + padding[2] else CW
    else:
        OD = (D + 2*padding[0] - kernel_size[0])//stride[0] + 1
        OH = (H + 2*padding[1] - kernel_size[1])//stride[1] + 1
        OW = (W + 2*padding[2] - kernel_size[2])//stride[2] + 1
    y: Real[..., OD, OH, OW]
    if divisor_override is not None:
        y[..., r, p, q] = sum[h < kernel_size[0], i < kernel_size[1], j < kernel_size[2]](
            x[
                ...,
                r*stride[0] + h - padding[0],
                p*stride[1] + i - padding[1],
                q*stride[2] + j - padding[2],
            ])/divisor_override
    elif not count_include_pad:
        y[..., r, p, q] = mean[h < kernel_size[0], i < kernel_size[1], j < kernel_size[2]](
            x[
                ...,
                r*stride[0] + h - padding[0],
                p*stride[1] + i - padding[1],
                q*stride[2] + j - padding[2],
            ])
    elif ceil_mode:
        y[..., r, p, q] = sum[h < kernel_size[0], i < kernel_size[1], j < kernel_size[2]](
            x[
                ...,
                r*stride[0] + h - padding[0],
                p*stride[1] + i - padding[1],
                q*stride[2] + j - padding[2],
            ])/(
            min(kernel_size[0], D + 2*padding[0] - r*stride[0])
            * min(kernel_size[1], H + 2*padding[1] - p*stride[1])
            * min(kernel_size[2], W + 2*padding[2] - q*stride[2])
        )
    else:
        y[..., r, p, q] = sum[h < kernel_size[0], i < kernel_size[1], j < kernel_size[2]](
            x[
                ...,
                r*stride[0] + h - padding[0],
                p*stride[1] + i - padding[1],
                q*stride[2] + j - padding[2],
            ])/(kernel_size[0]*kernel_size[1]*kernel_size[2])
    return y
