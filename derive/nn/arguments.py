"""What torch's arguments mean where a name does not say it all: spellings, flags, legacy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from derive.errors import InputError
from derive.nn.attention import multi_head_attention, scaled_dot_product
from derive.nn.call import Call
from derive.nn.losses import LOSSES, of_functional
from derive.nn.recurrent import RECURRENT
from derive.nn.signatures import TOLD


def _inplace(call: Call) -> None:
    """The result is written into the input, of which the function sees a copy."""
    if call.arguments.pop("inplace"):
        original = call.arguments[call.first]
        call.arguments[call.first] = original.clone()
        call.afterwards.append(original.copy_)


def _reduction(call: Call) -> None:
    """``size_average`` and ``reduce``, the older spelling of ``reduction``."""
    from torch.nn import _reduction

    average, reduce = call.arguments.pop("size_average", None), call.arguments.pop("reduce", None)
    if average is not None or reduce is not None:
        call.arguments["reduction"] = _reduction.legacy_get_string(average, reduce)


def _dtype(call: Call) -> None:
    """The input is converted first."""
    dtype = call.arguments.pop("dtype")
    if dtype is not None:
        call.arguments[call.first] = call.arguments[call.first].to(dtype)


def _ignored(name: str) -> Callable[[Call], None]:
    def drop(call: Call) -> None:
        call.arguments.pop(name)

    return drop


#: Arguments that mean the same wherever they occur.
EVERYWHERE: dict[str, Callable[[Call], None]] = {
    "inplace": _inplace,
    "size_average": _reduction,
    "reduce": _reduction,
    "dtype": _dtype,
    "_stacklevel": _ignored("_stacklevel"),
}


def _normalized_shape(call: Call) -> None:
    """``normalized_shape``: how many of the last axes, and what their sizes must be."""
    import torch

    shape = tuple(call.arguments.pop("normalized_shape"))
    x = call.arguments[call.first]
    found = tuple(x.shape[x.ndim - len(shape) :])
    if not shape or found != shape:
        wanted = ", ".join(map(str, ("*", *shape)))
        raise InputError(f"{call.word}: the input has shape {list(x.shape)}, expected [{wanted}]",
                         mend=f"normalized_shape is {list(shape)}: the last axes of the input")  # fmt: skip
    call.arguments["axes"] = len(shape)
    if call.arguments.get("eps", 0) is None:
        call.arguments["eps"] = torch.finfo(torch.float64 if x.dtype == torch.float64 else torch.float32).eps


def _padding_word(call: Call) -> None:
    """``padding="valid"`` is 0, ``"same"`` a choice of its own."""
    padding = call.arguments["padding"]
    if padding == "same":
        call.arguments |= {"padding": None, "same": True}
    elif padding == "valid":
        call.arguments["padding"] = 0
    elif isinstance(padding, str):
        raise InputError(f"{call.word}: padding is {padding!r}", mend="it is a number, 'valid' or 'same'")


def _open_lengths(call: Call) -> None:
    """None among ``output_size``: as long as the input."""
    size, x = call.arguments["output_size"], call.arguments[call.first]
    if isinstance(size, tuple | list):
        lengths = x.shape[x.ndim - len(size) :]
        call.arguments["output_size"] = tuple(n if s is None else s for s, n in zip(size, lengths, strict=True))
    elif size is None:
        call.arguments["output_size"] = x.shape[-int(call.word[-2]) :]


def _embedding(call: Call) -> None:
    """``max_norm`` shortens the rows that are looked up; ``padding_idx`` may count back."""
    token, weight = call.arguments["input"], call.arguments["weight"]
    padding, longest, kind = (call.arguments.pop(n) for n in ("padding_idx", "max_norm", "norm_type"))
    if padding is not None:
        rows = weight.shape[0]
        if not -rows <= padding < rows:
            raise InputError(f"padding_idx is {padding}, but there are {rows} embeddings", mend="name one of the rows")
        call.arguments["padding_idx"] = padding % rows
    _shorten(call, weight, token, longest, kind)


def _shorten(call: Call, weight: Any, token: Any, longest: float | None, kind: float) -> None:
    """Rows that are looked up and longer than that are shortened, in place, outside the gradient."""
    import torch

    if longest is not None:
        call.lasting = False
        with torch.no_grad():
            torch.embedding_renorm_(weight, token.contiguous(), longest, kind)


def _channels(call: Call) -> None:
    """As many slopes as the weight has; a number is one slope."""
    weight = call.arguments["weight"]
    call.arguments |= {"weight": weight.reshape(-1) if not weight.ndim else weight, "num_parameters": weight.numel()}


def _enough_values(call: Call) -> None:
    """One value a channel has no variance; an empty batch leaves the statistics as they were."""

    x = call.arguments[call.first]
    if call.arguments["training"]:
        _private("_verify_batch_size")(x.size())
        if x.numel() == 0:
            call.arguments |= {"running_mean": None, "running_var": None}


def _enough_places(call: Call) -> None:
    """One place has no variance."""

    if call.arguments["use_input_stats"]:
        _private("_verify_spatial_size")(call.arguments[call.first].size())


def _fractional(call: Call) -> None:
    """``output_ratio`` of the input's size; torch's samples under their name."""
    x, ratio, n = call.arguments[call.first], call.arguments.pop("output_ratio"), int(call.word[-2])
    if call.arguments["output_size"] is None:
        if ratio is None:
            raise ValueError(f"{call.word} requires specifying either an output_size or an output_ratio")
        ratios = ratio if isinstance(ratio, tuple | list) else (ratio,) * n
        call.arguments["output_size"] = tuple(int(s * r) for s, r in zip(x.shape[-n:], ratios, strict=True))
    samples = call.arguments.pop("_random_samples")
    if samples is None:  # drawn as torch draws them
        samples = x.new_empty((1 if x.ndim == n + 1 else x.shape[0], x.shape[-n - 1], n)).uniform_()
    if x.ndim == n + 1:
        samples, call.arguments[call.first] = samples[:1], x.unsqueeze(0)
        call.afterwards.append(lambda r: tuple(y.squeeze(0) for y in r) if isinstance(r, tuple) else r.squeeze(0))
    call.arguments["samples"] = samples


def _unpool(call: Call) -> None:
    """The output's size from the windows, as torch has it, or as given."""

    x, n = call.arguments[call.first], int(call.word[-2])
    window = {k: _tuple(call.arguments.pop(k), n) for k in ("kernel_size", "stride", "padding")}
    stride = window["stride"] or window["kernel_size"]
    wanted = call.arguments.pop("output_size")
    size = _private("_unpool_output_size")(
        x, list(window["kernel_size"]), list(stride), list(window["padding"]), wanted
    )
    call.arguments["output_size"] = tuple(size)


def _tuple(value: object, n: int) -> tuple[int, ...]:
    if value is None or value == ():
        return ()
    return tuple(value) if isinstance(value, tuple | list) else (value,) * n  # type: ignore[return-value]


def _pad(call: Call) -> None:
    """``mode`` and the number of padded axes choose the definition."""
    padding, mode = tuple(call.arguments.pop("pad")), call.arguments.pop("mode")
    if len(padding) % 2:
        raise InputError(f"pad has {len(padding)} numbers", mend="two for each axis: before, after")
    words = {"constant": "constant", "reflect": "reflection", "replicate": "replication", "circular": "circular"}
    if mode not in words:
        raise InputError(f"pad: mode is {mode!r}", mend=f"it is one of {', '.join(words)}")
    if mode == "circular" and min(padding, default=0) < 0:  # what is taken off comes first
        x = call.arguments[call.first]
        for k, (before, after) in enumerate(zip(padding[::2], padding[1::2], strict=True), 1):
            start, length = max(-before, 0), x.shape[-k] + min(before, 0) + min(after, 0)
            x = x.narrow(-k, start, max(length, 0))
        padding = tuple(max(n, 0) for n in padding)
        call.arguments[call.first] = x
    value = call.arguments.pop("value")
    call.definition = f"{words[mode]}_pad{len(padding) // 2}d"
    call.arguments |= {"padding": padding} | ({"value": value} if mode == "constant" else {})


def _features(call: Call) -> None:
    """Whole channels; a sample alone is a batch of one."""
    x = call.arguments[call.first]
    call.definition = "feature_dropout"
    if x.ndim == {"dropout1d": 2, "dropout3d": 4}[call.word]:
        call.arguments[call.first] = x.unsqueeze(0)
        call.afterwards.append(lambda y: y.squeeze(0))


def _all_or_none(call: Call) -> None:
    """Dropped with certainty: zeros, which no scale brings back to variance 1.  In evaluation: the data."""
    certain, training = call.arguments["p"] == 1, call.arguments["training"]
    if certain if training else call.word == "feature_alpha_dropout":
        call.definition = "dropout"


def _cross_map(call: Call) -> None:
    call.definition = "cross_map_lrn2d"


def _gumbel(call: Call) -> None:
    """Noise as torch draws it; ``eps`` has long had no effect there."""
    import torch

    logits = call.arguments["logits"]
    drawn = torch.empty_like(logits, memory_format=torch.legacy_contiguous_format).exponential_()
    call.arguments["noise"] = -drawn.log()
    call.arguments.pop("eps")


def _slopes(call: Call) -> None:
    """Slopes are drawn for the values that are not positive, one after the other, as torch draws them."""
    import torch

    x = call.arguments[call.first]
    if call.arguments["training"]:
        low = x.detach() <= 0
        drawn = torch.empty(int(low.sum()), dtype=torch.float64, device=x.device)  # whatever x has
        drawn.uniform_(call.arguments["lower"], call.arguments["upper"])
        slope = torch.ones(x.shape, dtype=x.dtype, device=x.device).masked_scatter_(low, drawn.to(x.dtype))
        call.arguments["slope"] = slope


def _bags(call: Call) -> None:
    """``max_norm`` as for an embedding; bags are rows, or stretches that begin at ``offsets``."""

    a = call.arguments
    _shorten(call, a["weight"], a["input"], a.pop("max_norm"), a.pop("norm_type"))
    if a["padding_idx"] is not None:
        a["padding_idx"] %= a["weight"].shape[0]
    if a["input"].ndim == 2:
        if a["offsets"] is not None:
            raise ValueError("embedding_bag: a 2-D input has bags of one length, its rows: leave offsets out")
        a.pop("include_last_offset")
        call.definition = "embedding_bag"
    elif a["offsets"] is None or a["offsets"].ndim != 1:
        raise ValueError("embedding_bag: a 1-D input is cut into bags by 1-D offsets")
    else:
        call.definition = "embedding_bag_offsets"
        call.lasting = False
        a["longest"] = _longest_bag(a["offsets"], len(a["input"]), a["include_last_offset"])


def _longest_bag(offsets: Any, tokens: int, last: bool) -> int:
    """How many tokens the longest bag has; in a graph that is captured for any offsets, how many it could have."""
    import torch

    if torch.compiler.is_compiling():
        return tokens
    lengths = torch.cat([offsets] if last else [offsets, offsets.new_tensor([tokens])]).diff()
    if len(offsets) and int(offsets[0]):
        raise ValueError(f"embedding_bag: offsets[0] is {int(offsets[0])}, the first bag begins at 0")
    return max(int(lengths.max()), 0) if len(lengths) else 0


def _volume(call: Call) -> None:
    """Images and volumes have a definition each."""
    rank = len(call.arguments["size"]) if "size" in call.arguments else call.arguments[call.first].ndim
    call.definition = call.word + ("3d" if rank == 5 else "")


def _grid(call: Call) -> None:
    """The output's size, of factors where they are given."""
    size, factors = call.arguments["output_size"], call.arguments["scale_factors"]
    if factors is not None:
        lengths = call.arguments[call.first].shape[-len(factors) :]
        call.arguments["scale_factors"] = tuple(map(float, factors))
        size = tuple(int(n * f) for n, f in zip(lengths, factors, strict=True)) if size is None else size
    call.arguments["output_size"] = tuple(size)


def _private(name: str) -> Any:
    """A check of torch's own, for its own words."""
    import torch

    return getattr(torch.nn.functional, name)


#: Functions whose arguments say something that no name does.
READINGS: dict[str, Callable[[Call], None]] = {
    **of_functional("layer_norm rms_norm", _normalized_shape),
    **of_functional("conv1d conv2d conv3d", _padding_word),
    **of_functional("embedding", _embedding),
    **of_functional("embedding_bag", _bags),
    **of_functional("prelu", _channels),
    **of_functional("batch_norm", _enough_values),
    **of_functional("instance_norm", _enough_places),
    **of_functional("fractional_max_pool2d fractional_max_pool3d", _fractional),
    **of_functional("max_unpool1d max_unpool2d max_unpool3d", _unpool),
    **of_functional("pad", _pad),
    **of_functional("dropout1d dropout3d", _features),
    **of_functional("rrelu", _slopes),
    **of_functional("gumbel_softmax", _gumbel),
    **of_functional("alpha_dropout feature_alpha_dropout", _all_or_none),
    **of_functional("multi_head_attention_forward", multi_head_attention),
    **of_functional("scaled_dot_product_attention", scaled_dot_product),
    **of_functional("adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d", _open_lengths),
    **of_functional("adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d", _open_lengths),
    **of_functional("grid_sample affine_grid", _volume),
    **{name: _grid for name in TOLD if name.startswith("_C._nn.")},
    "_cross_map_lrn2d.apply": _cross_map,
    **LOSSES,
    **RECURRENT,
}

#: Functions of torch.nn.functional that have no derivative to derive: torch's own serve.
WITHOUT_GRADIENT = (
    "one_hot", "has_torch_function", "has_torch_function_unary", "has_torch_function_variadic",
    "handle_torch_function", "assert_int_or_pair", "boolean_dispatch",
)  # fmt: skip

#: Functions that torch writes in Python over others: its own text, over derived ones.
GLUE = ("interpolate", "upsample", "upsample_nearest", "upsample_bilinear")
