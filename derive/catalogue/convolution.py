"""Cross-correlations and their transposes; ``same`` pads so that at stride 1 as many points come out as go in."""


@layer(torch="nn.Conv1d nn.LazyConv1d nn.functional.conv1d")
def conv1d(
    x: Real[N, [groups, C], L],
    weight: Real[[groups, F], C, K],
    bias: Real[[groups, F]] = 0,
    *,
    stride: Int = 1, padding: Int = 0, dilation: Int = 1, groups: Int = 1, same: Bool = False,
    padding_mode: Text["zeros", "reflect", "replicate", "circular"] = "zeros",
):
    """1-D cross-correlation."""
    assert stride > 0 and dilation > 0
    assert groups > 0
    if same:
        assert stride == 1
        left = dilation*(K - 1)//2
        right = dilation*(K - 1) - left
    else:
        left = padding
        right = padding
    if padding_mode == "reflect":
        z = reflection_pad1d(x, padding=(left, right))
    elif padding_mode == "replicate":
        z = replication_pad1d(x, padding=(left, right))
    elif padding_mode == "circular":
        z = circular_pad1d(x, padding=(left, right))
    if padding_mode != "zeros":
        y = conv1d(z, weight, bias, stride=stride, dilation=dilation, groups=groups)
        return y
    OL = (L + left + right - dilation*(K - 1) - 1)//stride + 1
    y: Real[N, [groups, F], OL]
    y[n, [g, f], p] = bias[[g, f]] + sum[c, i](
        weight[[g, f], c, i]
        * x[n, [g, c], p*stride + i*dilation - left])
    return y


@layer(torch="nn.Conv2d nn.LazyConv2d nn.functional.conv2d")
def conv2d(
    x: Real[N, [groups, C], H, W],
    weight: Real[[groups, F], C, KH, KW],
    bias: Real[[groups, F]] = 0,
    *,
    stride: Int[2] = 1, padding: Int[2] = 0, dilation: Int[2] = 1, groups: Int = 1, same: Bool = False,
    padding_mode: Text["zeros", "reflect", "replicate", "circular"] = "zeros",
):
    """2-D cross-correlation."""
    assert stride[0] > 0 and dilation[0] > 0
    assert stride[1] > 0 and dilation[1] > 0
    assert groups > 0
    if same:
        assert stride[0] == 1 and stride[1] == 1
        top = dilation[0]*(KH - 1)//2
        bottom = dilation[0]*(KH - 1) - top
        left = dilation[1]*(KW - 1)//2
        right = dilation[1]*(KW - 1) - left
    else:
        top = padding[0]
        bottom = padding[0]
        left = padding[1]
        right = padding[1]
    if padding_mode == "reflect":
        z = reflection_pad2d(x, padding=(left, right, top, bottom))
    elif padding_mode == "replicate":
        z = replication_pad2d(x, padding=(left, right, top, bottom))
    elif padding_mode == "circular":
        z = circular_pad2d(x, padding=(left, right, top, bottom))
    if padding_mode != "zeros":
        y = conv2d(z, weight, bias, stride=stride, dilation=dilation, groups=groups)
        return y
    OH = (H + top + bottom - dilation[0]*(KH - 1) - 1)//stride[0] + 1
    OW = (W + left + right - dilation[1]*(KW - 1) - 1)//stride[1] + 1
    y: Real[N, [groups, F], OH, OW]
    y[n, [g, f], p, q] = bias[[g, f]] + sum[c, i, j](
        weight[[g, f], c, i, j]
        * x[n, [g, c], p*stride[0] + i*dilation[0] - top, q*stride[1] + j*dilation[1] - left])
    return y


@layer(torch="nn.Conv3d nn.LazyConv3d nn.functional.conv3d")
def conv3d(
    x: Real[N, [groups, C], D, H, W],
    weight: Real[[groups, F], C, KD, KH, KW],
    bias: Real[[groups, F]] = 0,
    *,
    stride: Int[3] = 1, padding: Int[3] = 0, dilation: Int[3] = 1, groups: Int = 1, same: Bool = False,
    padding_mode: Text["zeros", "reflect", "replicate", "circular"] = "zeros",
):
    """3-D cross-correlation."""
    assert stride[0] > 0 and dilation[0] > 0
    assert stride[1] > 0 and dilation[1] > 0
    assert stride[2] > 0 and dilation[2] > 0
    assert groups > 0
    if same:
        assert stride[0] == 1 and stride[1] == 1 and stride[2] == 1
        front = dilation[0]*(KD - 1)//2
        back = dilation[0]*(KD - 1) - front
        top = dilation[1]*(KH - 1)//2
        bottom = dilation[1]*(KH - 1) - top
        left = dilation[2]*(KW - 1)//2
        right = dilation[2]*(KW - 1) - left
    else:
        front = padding[0]
        back = padding[0]
        top = padding[1]
        bottom = padding[1]
        left = padding[2]
        right = padding[2]
    if padding_mode == "reflect":
        z = reflection_pad3d(x, padding=(left, right, top, bottom, front, back))
    elif padding_mode == "replicate":
        z = replication_pad3d(x, padding=(left, right, top, bottom, front, back))
    elif padding_mode == "circular":
        z = circular_pad3d(x, padding=(left, right, top, bottom, front, back))
    if padding_mode != "zeros":
        y = conv3d(z, weight, bias, stride=stride, dilation=dilation, groups=groups)
        return y
    OD = (D + front + back - dilation[0]*(KD - 1) - 1)//stride[0] + 1
    OH = (H + top + bottom - dilation[1]*(KH - 1) - 1)//stride[1] + 1
    OW = (W + left + right - dilation[2]*(KW - 1) - 1)//stride[2] + 1
    y: Real[N, [groups, F], OD, OH, OW]
    y[n, [g, f], r, p, q] = bias[[g, f]] + sum[c, h, i, j](
        weight[[g, f], c, h, i, j]
        * x[
            n, [g, c],
            r*stride[0] + h*dilation[0] - front,
            p*stride[1] + i*dilation[1] - top,
            q*stride[2] + j*dilation[2] - left,
        ])
    return y


@layer(torch="nn.ConvTranspose1d nn.LazyConvTranspose1d nn.functional.conv_transpose1d")
def conv_transpose1d(
    x: Real[N, [groups, C], L],
    weight: Real[[groups, C], F, K],
    bias: Real[[groups, F]] = 0,
    *,
    stride: Int = 1, padding: Int = 0, output_padding: Int = 0, groups: Int = 1, dilation: Int = 1,
):
    """1-D transposed convolution: every input point spreads the kernel over the output."""
    assert stride > 0 and dilation > 0
    assert groups > 0
    OL = (L - 1)*stride - 2*padding + dilation*(K - 1) + output_padding + 1
    y: Real[N, [groups, F], OL]
    y[n, [g, f], p] = bias[[g, f]] + sum[
        c, l, i,
        l*stride + i*dilation - padding == p,
    ](x[n, [g, c], l]*weight[[g, c], f, i])
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
    assert stride[0] > 0 and dilation[0] > 0
    assert stride[1] > 0 and dilation[1] > 0
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


@layer(torch="nn.ConvTranspose3d nn.LazyConvTranspose3d nn.functional.conv_transpose3d")
def conv_transpose3d(
    x: Real[N, [groups, C], D, H, W],
    weight: Real[[groups, C], F, KD, KH, KW],
    bias: Real[[groups, F]] = 0,
    *,
    stride: Int[3] = 1, padding: Int[3] = 0, output_padding: Int[3] = 0, groups: Int = 1, dilation: Int[3] = 1,
):
    """3-D transposed convolution: every input point spreads the kernel over the output."""
    assert stride[0] > 0 and dilation[0] > 0
    assert stride[1] > 0 and dilation[1] > 0
    assert stride[2] > 0 and dilation[2] > 0
    assert groups > 0
    OD = (D - 1)*stride[0] - 2*padding[0] + dilation[0]*(KD - 1) + output_padding[0] + 1
    OH = (H - 1)*stride[1] - 2*padding[1] + dilation[1]*(KH - 1) + output_padding[1] + 1
    OW = (W - 1)*stride[2] - 2*padding[2] + dilation[2]*(KW - 1) + output_padding[2] + 1
    y: Real[N, [groups, F], OD, OH, OW]
    y[n, [g, f], r, p, q] = bias[[g, f]] + sum[
        c, d, h, w, i, j, k,
        d*stride[0] + i*dilation[0] - padding[0] == r,
        h*stride[1] + j*dilation[1] - padding[1] == p,
        w*stride[2] + k*dilation[2] - padding[2] == q,
    ](x[n, [g, c], d, h, w]*weight[[g, c], f, i, j, k])
    return y


@layer(torch="nn.functional.conv_tbc")
def conv_tbc(x: Real[T, N, C], weight: Real[K, C, F], bias: Real[F] = 0, *, pad: Int = 0):
    """1-D cross-correlation of sequences laid out time, batch, channel."""
    OT = T + 2*pad - K + 1
    y: Real[OT, N, F]
    y[t, n, f] = bias[f] + sum[c, k](weight[k, c, f]*x[t + k - pad, n, c])
    return y
