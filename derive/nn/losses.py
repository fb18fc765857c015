"""What torch's arguments to losses mean where a name does not say it all."""

from __future__ import annotations

from collections.abc import Callable

from derive.nn.call import Call


def _one_sample(call: Call) -> None:
    """Classes alone, without a batch: a batch of one."""
    x = call.arguments[call.first]
    if x.ndim == 1:
        call.arguments[call.first] = x.unsqueeze(0)
        call.arguments["target"] = call.arguments["target"].unsqueeze(0)
        if call.arguments["reduction"] == "none":
            call.afterwards.append(lambda y: y.squeeze(0))


def _linear_one_sample(call: Call) -> None:
    """As for cross entropy; ``options`` say how torch saves memory, not what it computes."""
    call.arguments.pop("options")
    _one_sample(call)


def _ctc(call: Call) -> None:
    """Lengths as tensors, targets one after the other as rows, a single sample as a batch of one."""
    import torch

    x, targets = call.arguments["log_probs"], call.arguments["targets"]
    lengths = {n: torch.as_tensor(call.arguments[n], device=x.device) for n in ("input_lengths", "target_lengths")}
    if x.ndim == 2:
        x, targets = x.unsqueeze(1), targets.unsqueeze(0)
        lengths = {n: v.reshape(1) for n, v in lengths.items()}
        if call.arguments["reduction"] == "none":
            call.afterwards.append(lambda y: y.squeeze(0))
    if targets.ndim == 1:
        rows = targets.split(lengths["target_lengths"].tolist())
        targets = torch.nn.utils.rnn.pad_sequence(list(rows), batch_first=True)
    call.arguments |= {"log_probs": x, "targets": targets, **lengths}


def _signs(call: Call) -> None:
    """Targets of 1 and −1 may be written as real numbers; another number is neither."""
    target = call.arguments["target"]
    if target.is_floating_point():
        call.arguments["target"] = target.where(target == target.floor(), 0).long()


def _batch_mean(call: Call) -> None:
    """A number has no batch: its sum."""
    if call.arguments["reduction"] == "batchmean" and call.arguments[call.first].ndim == 0:
        call.arguments["reduction"] = "sum"


def _of_distances(call: Call) -> None:
    """Distances by a function of the caller's, then the margin between them as a ranking loss."""
    import torch

    from derive.nn.binding import bound

    a = call.arguments
    anchor, positive, negative = (a.pop(n) for n in ("anchor", "positive", "negative"))
    distance, swap = a.pop("distance_function"), a.pop("swap")
    distance = bound("nn.functional.pairwise_distance") if distance is None else distance
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = bound("minimum")(far, distance(positive, negative))
    if not a["margin"] > 0:
        raise ValueError(f"margin must be greater than 0, got {a['margin']}")
    call.definition = "margin_ranking_loss"
    call.arguments = {"input1": far, "input2": near, "target": torch.ones_like(near.detach()), **a}


def _own_variances(call: Call) -> None:
    """A variance for each sample is one for all of its values; none is negative, where that can be seen."""
    import torch

    a = call.arguments
    x, var = a["input"], a["var"]
    if not isinstance(var, torch.Tensor):
        var = torch.full(x.shape, float(var), dtype=x.dtype, device=x.device)
    elif var.shape != x.shape and var.shape == x.shape[:-1]:
        var = var.unsqueeze(-1)
    elif var.shape != x.shape and not _spreads_once(tuple(var.shape), tuple(x.shape)):
        raise ValueError(f"var is of incorrect size: {list(var.shape)}, the input has {list(x.shape)}")
    call.lasting = False
    known = not (torch.compiler.is_compiling() or torch._C._functorch.is_functorch_wrapped_tensor(var))
    if known and bool((var < 0).any()):
        raise ValueError("var has negative entry/entries")
    a["var"] = var


def _spreads_once(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Whether one axis alone is other than wanted, and has one entry."""
    differing = [n for n, m in zip(shape, wanted, strict=False) if n != m]
    return len(shape) == len(wanted) and differing == [1]


def _of_one_size(call: Call) -> None:
    """A target is not spread: the mean would count its values several times."""
    x, target = call.arguments[call.first], call.arguments["target"]
    if x.shape != target.shape:
        raise ValueError(f"{call.word}: target has shape {list(target.shape)}, the input {list(x.shape)}: "
                         "they must have the same size")  # fmt: skip


def of_functional(names: str, reading: Callable[[Call], None]) -> dict[str, Callable[[Call], None]]:
    return {f"nn.functional.{name}": reading for name in names.split()}


#: Losses whose arguments say something that no name does.
LOSSES: dict[str, Callable[[Call], None]] = {
    **of_functional("cross_entropy nll_loss", _one_sample),
    **of_functional("linear_cross_entropy", _linear_one_sample),
    **of_functional("ctc_loss", _ctc),
    **of_functional("hinge_embedding_loss cosine_embedding_loss", _signs),
    **of_functional("kl_div", _batch_mean),
    **of_functional("triplet_margin_with_distance_loss", _of_distances),
    **of_functional("gaussian_nll_loss", _own_variances),
    **of_functional("binary_cross_entropy binary_cross_entropy_with_logits", _of_one_size),
}
