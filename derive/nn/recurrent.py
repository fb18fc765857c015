"""``torch._VF``'s recurrent stacks and cells: one flat list of weights becomes the definition's families."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from derive.nn.call import Call


def stack(definition: str, **chosen: str) -> Callable[[Call], None]:
    """``(input, hx, weights, bias, layers, dropout, training, both ways, batch_first)``, or packed:
    ``(data, batch_sizes, hx, weights, bias, layers, dropout, training, both ways)``."""

    def read(call: Call) -> None:
        first, second, *rest = call.arguments["args"]
        packed = (isinstance(rest[0], tuple | list) and isinstance(rest[1], tuple | list)) or _is_tensor(rest[0])
        if packed:
            hx, weights, bias, layers, dropout, training, both = rest
            x, lengths, there, back = _padded(first, second)
            batch_first = False
            call.afterwards.append(back)
        else:
            weights, bias, layers, dropout, training, both, batch_first = rest
            x, hx, lengths = first, second, None
        states = tuple(hx) if isinstance(hx, tuple | list) else (hx,)
        call.definition = definition
        call.arguments = {"x": x, **dict(zip(("h0", "c0"), states, strict=False)), "lengths": lengths}
        families = _families(list(weights), bool(bias), layers, bool(both))
        known = {*(i.name for i in call.declared.inputs), *(h.name for h in call.declared.hypers)}
        call.arguments |= {n: v for n, v in families.items() if n in known}
        call.arguments |= {"num_layers": layers, "bidirectional": bool(both), "batch_first": bool(batch_first)}
        call.arguments |= {"dropout": float(dropout), "training": bool(training), **chosen}
        if packed and dropout and training:
            call.arguments["keep"] = _kept(families["weight_hh"], there, 1 - dropout, 1 + bool(both), layers - 1)

    return read


def _kept(weight_hh: list[Any], there: Any, p: float, ways: int, times: int) -> list[Any]:
    """What dropout keeps between layers, drawn as torch draws it: for the entries of a packed sequence alone."""
    import torch

    kept = []
    for _ in range(times):
        width = ways * weight_hh[0].shape[1]
        noise = torch.zeros((*there.shape, width), dtype=torch.bool, device=there.device)
        rows = torch.empty(int(there.sum()), width, dtype=weight_hh[0].dtype, device=there.device)
        noise[there] = rows.bernoulli_(p).bool()
        kept.append(noise)
    return kept


def _is_tensor(value: Any) -> bool:
    import torch

    return isinstance(value, torch.Tensor)


def _families(weights: list[Any], bias: bool, layers: int, both: bool) -> dict[str, Any]:
    """Layer by layer, each way: weight_ih, weight_hh, bias_ih, bias_hh, weight_hr."""
    ways = ("", "_reverse") if both else ("",)
    each = len(weights) // (layers * len(ways))
    names = ["weight_ih", "weight_hh", *(["bias_ih", "bias_hh"] if bias else []), "weight_hr"][:each]
    found: dict[str, Any] = {
        f"{n}{way}": [] for n in ("weight_ih", "weight_hh", "weight_hr") for way in ("", "_reverse")
    }
    for place, weight in enumerate(weights):
        name = f"{names[place % each]}{ways[place // each % len(ways)]}"
        found.setdefault(name, []).append(weight)
    if found["weight_hr"]:
        found["proj_size"] = found["weight_hr"][0].shape[0]
    return found


def _padded(data: Any, batch_sizes: Any) -> tuple[Any, Any, Any, Callable[[Any], Any]]:
    """A packed sequence as [T, N, I], lengths, where [T, N] it has entries, and the way back for the result."""
    import torch

    from derive.callables import function

    steps, batch = len(batch_sizes), int(batch_sizes[0])
    sizes = batch_sizes.to(data.device)
    there = torch.arange(batch, device=data.device) < sizes[:, None]
    starts = sizes.cumsum(0) - sizes
    index = (starts[:, None] + torch.arange(batch, device=data.device)).where(there, 0)
    rows = function("embedding")

    def back(result: tuple) -> tuple:
        y, *states = result
        places = torch.arange(steps * batch, device=data.device)[there.flatten()]
        return rows(places, y.reshape(steps * batch, y.shape[-1])), *states

    return rows(index, data), there.sum(0), there, back


def cell_of_two(call: Call) -> None:
    """The hidden state and the cell's: torch's pair."""
    call.arguments["hx"], call.arguments["cx"] = call.arguments["hx"]


RECURRENT: dict[str, Callable[[Call], None]] = {
    "_VF.lstm": stack("lstm_layers"),
    "_VF.gru": stack("gru_layers"),
    "_VF.rnn_tanh": stack("rnn_layers", nonlinearity="tanh"),
    "_VF.rnn_relu": stack("rnn_layers", nonlinearity="relu"),
    "_VF.lstm_cell": cell_of_two,
}
