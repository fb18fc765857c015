"""Transformers: encoder and decoder layers one above the other, as torch's modules hold them."""


@layer(torch="nn.TransformerEncoder")
def transformer_encoder(
    src: Real[N if batch_first else S, S if batch_first else N, E],
    in_proj_weight: Real[[3, nhead, D], E][num_layers],
    out_proj_weight: Real[E, [nhead, D]][num_layers],
    linear1_weight: Real[F, E][num_layers],
    linear2_weight: Real[E, F][num_layers],
    in_proj_bias: Real[[3, nhead, D]][num_layers] = 0,
    out_proj_bias: Real[E][num_layers] = 0,
    linear1_bias: Real[F][num_layers] = 0,
    linear2_bias: Real[E][num_layers] = 0,
    norm1_weight: Real[E][num_layers] = 1,
    norm1_bias: Real[E][num_layers] = 0,
    norm2_weight: Real[E][num_layers] = 1,
    norm2_bias: Real[E][num_layers] = 0,
    norm_weight: Real[E] = None,
    norm_bias: Real[E] = 0,
    mask: Real[S, S] = 0,
    padding: Real[N, S] = 0,
    *,
    nhead: Int, num_layers: Int = 1, activation: Text["relu", "gelu"] = "relu", layer_norm_eps: Real = 1e-5,
    batch_first: Bool = False, norm_first: Bool = False,
):
    """Encoder layers one above the other, and a last normalization where ``norm_weight`` is given."""
    E = nhead*D
    x = src
    for i in range(num_layers):
        z = transformer_encoder_layer(
            x, in_proj_weight[i], out_proj_weight[i], linear1_weight[i], linear2_weight[i],
            in_proj_bias[i], out_proj_bias[i], linear1_bias[i], linear2_bias[i],
            norm1_weight[i], norm1_bias[i], norm2_weight[i], norm2_bias[i], mask, padding,
            nhead=nhead, activation=activation, layer_norm_eps=layer_norm_eps,
            batch_first=batch_first, norm_first=norm_first)
        x = z
    if norm_weight is None:
        y = x
    else:
        y = layer_norm(x, norm_weight, norm_bias, eps=layer_norm_eps)
    return y


@layer(torch="nn.TransformerDecoder")
def transformer_decoder(
    tgt: Real[N if batch_first else T, T if batch_first else N, E],
    memory: Real[N if batch_first else S, S if batch_first else N, E],
    self_in_proj_weight: Real[[3, nhead, D], E][num_layers],
    self_out_proj_weight: Real[E, [nhead, D]][num_layers],
    cross_in_proj_weight: Real[[3, nhead, D], E][num_layers],
    cross_out_proj_weight: Real[E, [nhead, D]][num_layers],
    linear1_weight: Real[F, E][num_layers],
    linear2_weight: Real[E, F][num_layers],
    self_in_proj_bias: Real[[3, nhead, D]][num_layers] = 0,
    self_out_proj_bias: Real[E][num_layers] = 0,
    cross_in_proj_bias: Real[[3, nhead, D]][num_layers] = 0,
    cross_out_proj_bias: Real[E][num_layers] = 0,
    linear1_bias: Real[F][num_layers] = 0,
    linear2_bias: Real[E][num_layers] = 0,
    norm1_weight: Real[E][num_layers] = 1,
    norm1_bias: Real[E][num_layers] = 0,
    norm2_weight: Real[E][num_layers] = 1,
    norm2_bias: Real[E][num_layers] = 0,
    norm3_weight: Real[E][num_layers] = 1,
    norm3_bias: Real[E][num_layers] = 0,
    norm_weight: Real[E] = None,
    norm_bias: Real[E] = 0,
    tgt_mask: Real[T, T] = 0,
    memory_mask: Real[T, S] = 0,
    tgt_padding: Real[N, T] = 0,
    memory_padding: Real[N, S] = 0,
    *,
    nhead: Int, num_layers: Int = 1, activation: Text["relu", "gelu"] = "relu", layer_norm_eps: Real = 1e-5,
    batch_first: Bool = False, norm_first: Bool = False,
):
    """Decoder layers one above the other, and a last normalization where ``norm_weight`` is given."""
    E = nhead*D
    x = tgt
    for i in range(num_layers):
        z = transformer_decoder_layer(
            x, memory, self_in_proj_weight[i], self_out_proj_weight[i], cross_in_proj_weight[i],
            cross_out_proj_weight[i], linear1_weight[i], linear2_weight[i], self_in_proj_bias[i],
            self_out_proj_bias[i], cross_in_proj_bias[i], cross_out_proj_bias[i], linear1_bias[i], linear2_bias[i],
            norm1_weight[i], norm1_bias[i], norm2_weight[i], norm2_bias[i], norm3_weight[i], norm3_bias[i],
            tgt_mask, memory_mask, tgt_padding, memory_padding,
            nhead=nhead, activation=activation, layer_norm_eps=layer_norm_eps,
            batch_first=batch_first, norm_first=norm_first)
        x = z
    if norm_weight is None:
        y = x
    else:
        y = layer_norm(x, norm_weight, norm_bias, eps=layer_norm_eps)
    return y
