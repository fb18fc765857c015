"""Order of a graph: strongly connected groups, each after what it depends on (Tarjan, without recursion)."""

from __future__ import annotations

from collections.abc import Iterator


def strongly_connected(graph: dict[str, tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    """Groups of mutually reachable nodes, dependencies first; ``graph[a]`` lists what ``a`` depends on.

    Names that are not keys are ignored.  Members of a group keep the order of ``graph``.
    """
    position = {name: i for i, name in enumerate(graph)}
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    waiting: dict[str, None] = {}
    groups: list[tuple[str, ...]] = []
    for root in graph:
        if root in index:
            continue
        work: list[tuple[str, Iterator[str]]] = [(root, iter(graph[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        waiting[root] = None
        while work:
            node, successors = work[-1]
            for successor in successors:
                if successor not in position:
                    continue
                if successor not in index:
                    index[successor] = low[successor] = len(index)
                    stack.append(successor)
                    waiting[successor] = None
                    work.append((successor, iter(graph[successor])))
                    break
                if successor in waiting:
                    low[node] = min(low[node], index[successor])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    groups.append(_close(node, stack, waiting, position))
    return tuple(groups)


def _close(node: str, stack: list[str], waiting: dict[str, None], position: dict[str, int]) -> tuple[str, ...]:
    group = []
    while True:
        member = stack.pop()
        del waiting[member]
        group.append(member)
        if member == node:
            return tuple(sorted(group, key=position.__getitem__))
