"""Cross-correlations and their transposes."""


@layer(torch="nn.Conv1d nn.LazyConv1d nn.functional.conv1d")
def conv1d(
    x: Real[N, [groups, C], L],
    weight: Real[[groups, F], C, K],
    bias: Real[[groups, F]] = 0,
    *,
    stride: Int = 1, padding: Int = 0, dilation: Int = 1, groups: Int = 1,
):
    """1-D cross-correlation."""
    assert stride > 0 and dilation > 0 and groups > 0
    OL = (L + 2*padding - dilation*(K - 1) - 1)//stride + 1
    y: Real[N, [groups, F], OL]
    y[n, [g, f], p] = bias[[g, f]] + sum[c, i](weight[[g, f], c, i]*x[n, [g, c], p*stride + i*dilation - padding])
    return y


@layer(torch="nn.Conv2d nn.LazyConv2d nn.functional.conv2d")
def conv2d(
    x: Real[N, [groups, C], H, W],
    weight: Real[[groups, F], C, KH, KW],
    bias: Real[[groups, F]] = 0,
    *,
    stride: Int[2] = 1, padding: Int[2] = 0, dilation: Int[2] = 1, groups: Int = 1,
):
    """2-D cross-correlation."""
    assert stride[0] > 0 and stride[1] > 0
    assert dilation[0] > 0 and dilation[1] > 0
    assert groups > 0
    OH = (H + 2*padding[0] - dilation[0]*(KH - 1) - 1)//stride[0] + 1
    OW = (W + 2*padding[1] - dilation[1]*(KW - 1) - 1)//stride[1] + 1
    y: Real[N, [groups, F], OH, OW]
    y[n, [g, f], p, q] = bias[[g, f]] + sum[c, i, j](
        weight[[g, f], c, i, j]
        * x[n, [g, c], p*stride[0] + i*dilation[0] - padding[0], q*stride[1] + j*dilation[1] - padding[1]])
    return y


@layer(torch="nn.ConvTranspose2d nn.LazyConvTranspose2d nn.functional.conv_transpose2d")
def conv_transpose2d(
    x: Real[N, [groups, C], H, W],
    weight: Real[[groups, C], F, KH, KW],
    bias: Real[[groups, F]] = 0,
    *,
    stride: Int[2] = 1, padding: Int[2] = 0, output_padding: Int[2] = 0, groups: Int = 1, dilation: Int[2] = 1,
):
    """2-D transposed convolution: every input point spreads the kernel over the output."""
    assert stride[0] > 0 and stride[1] > 0
    assert dilation[0] > 0 and dilation[1] > 0
    assert groups > 0
    OH = (H - 1)*stride[0] - 2*padding[0] + dilation[0]*(KH - 1) + output_padding[0] + 1
    OW = (W - 1)*stride[1] - 2*padding[1] + dilation[1]*(KW - 1) + output_padding[1] + 1
    y: Real[N, [groups, F], OH, OW]
    y[n, [g, f], p, q] = bias[[g, f]] + sum[
        c, h, w, i, j,
        h*stride[0] + i*dilation[0] - padding[0] == p,
        w*stride[1] + j*dilation[1] - padding[1] == q,
    ](x[n, [g, c], h, w]*weight[[g, c], f, i, j])
    return y
