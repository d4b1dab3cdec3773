"""Cuts a graph of cells into connected, even parts with a short border; pure numbers, no geometry.

METIS (multilevel k-way and recursive bisection: Karypis & Kumar, SIAM J. Sci. Comput. 20(1), 1998) looks for
the shortest cut. It is made for large graphs; a grid has few buildings of unequal size. So several seeds are
tried beside a cut of the spanning tree through the longest borders (after SKATER: Assuncao et al., Int. J.
GIS 20(7), 2006), which is connected by nature, and where parts are uneven single cells are moved across a
border while that brings two parts nearer each other (after Fiduccia & Mattheyses, DAC 1982). The best of all
is taken: first evenness up to the tolerance, then the shorter cut. Seeds are fixed: same input, same cut.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pymetis
from numpy.typing import NDArray

from geo.dividing.site_cells import CellGraph, Numbers

# A part may weigh this much more or less than the mean; below, only the length of the cut counts.
BALANCE_TOLERANCE = 0.10

_SEEDS = range(8)
_REFINED = 4  # how many of the best cuts are worth moving single cells
_MOST_MOVES = 400


@dataclass(frozen=True, slots=True)
class Cut:
    """The part of each vertex, and how good that is."""

    labels: Numbers
    weights: NDArray[np.int64]  # by part
    border_m: float
    method: str

    @property
    def deviation(self) -> float:
        """How far the part that is farthest off lies from the mean, relative to it."""
        mean = float(self.weights.mean())
        return float(np.abs(self.weights - mean).max()) / mean

    @property
    def rank(self) -> tuple[float, float]:
        return max(self.deviation, BALANCE_TOLERANCE), self.border_m


def best_cut(graph: CellGraph, weights: NDArray[np.int64], settled: NDArray[np.bool_], parts: int) -> Cut:
    """Connected parts, each with a settled vertex; there must be that many, and the graph be connected."""
    cutter = _Cutter(graph, weights, settled, parts)
    found = sorted(cutter.candidates(), key=lambda cut: cut.rank)
    if found[0].deviation <= BALANCE_TOLERANCE:
        return found[0]
    return min((cutter.levelled(cut) for cut in found[:_REFINED]), key=lambda cut: cut.rank)


class _Cutter:
    """The graph as neighbour lists, and what is asked of the parts."""

    def __init__(
        self, graph: CellGraph, weights: NDArray[np.int64], settled: NDArray[np.bool_], parts: int
    ) -> None:
        self.graph, self.parts = graph, parts
        self.weights, self.settled = weights, settled
        self.near: list[dict[int, float]] = [{} for _ in range(graph.size)]
        for (one, other), border_m in zip(graph.pairs.tolist(), graph.border_m.tolist(), strict=True):
            self.near[one][other] = self.near[other][one] = border_m

    def candidates(self) -> Iterator[Cut]:
        """Usable cuts; the spanning tree always gives one."""
        yield self._measured(self._tree_cut(), "spanning tree (SKATER)")
        if self.parts == 1 or self.graph.size <= self.parts:
            return
        for seed in _SEEDS:
            for recursive, method in ((False, "METIS k-way"), (True, "METIS recursive bisection")):
                labels = self._mended(self._metis(seed, recursive=recursive))
                if labels is not None:
                    yield self._measured(labels, method)

    def levelled(self, cut: Cut) -> Cut:
        """The cut after moving single cells from heavy to lighter neighbours, parts staying connected."""
        labels, sums = cut.labels.tolist(), cut.weights.tolist()
        for _ in range(_MOST_MOVES):
            move = next((move for move in self._moves(labels, sums) if self._spares(labels, move[0])), None)
            if move is None:
                break
            vertex, part = move
            sums[labels[vertex]] -= int(self.weights[vertex])
            sums[part] += int(self.weights[vertex])
            labels[vertex] = part
        return self._measured(np.array(labels, dtype=np.int64), cut.method)

    # ------------------------------------------------------------------------------------------ measuring

    def _measured(self, labels: Numbers, method: str) -> Cut:
        sums = np.bincount(labels, weights=self.weights, minlength=self.parts).astype(np.int64)
        crossing = labels[self.graph.pairs[:, 0]] != labels[self.graph.pairs[:, 1]]
        return Cut(labels, sums, float(self.graph.border_m[crossing].sum()), method)

    def _moves(self, labels: list[int], sums: list[int]) -> list[tuple[int, int]]:
        """Vertex and new part of every move that makes two parts more alike, the best first."""
        gains: dict[tuple[int, int], tuple[float, float]] = {}
        for one, other in self.graph.pairs.tolist():
            for vertex, beyond in ((one, other), (other, one)):
                old, new = labels[vertex], labels[beyond]
                weight = int(self.weights[vertex])
                gain = (sums[old] - sums[new] - weight) * weight
                if old != new and gain > 0 and (vertex, new) not in gains:
                    gains[vertex, new] = (gain, self._shortening(labels, vertex, new))
        return sorted(gains, key=lambda move: (-gains[move][0], -gains[move][1], move))

    def _shortening(self, labels: list[int], vertex: int, part: int) -> float:
        """By how much the cut gets shorter when the vertex goes over to this part."""
        borders = self.near[vertex].items()
        gone = sum(border_m for other, border_m in borders if labels[other] == part)
        return gone - sum(border_m for other, border_m in borders if labels[other] == labels[vertex])

    def _spares(self, labels: list[int], vertex: int) -> bool:
        """Whether the part of the vertex stays connected and settled without it."""
        left = [one for one, part in enumerate(labels) if part == labels[vertex] and one != vertex]
        if not any(self.settled[one] for one in left):
            return False
        return len(self._reached(left[0], set(left))) == len(left)

    def _reached(self, start: int, within: set[int]) -> set[int]:
        reached, waiting = {start}, [start]
        while waiting:
            for other in self.near[waiting.pop()]:
                if other in within and other not in reached:
                    reached.add(other)
                    waiting.append(other)
        return reached

    # -------------------------------------------------------------------------------------------- cutting

    def _metis(self, seed: int, *, recursive: bool) -> list[int]:
        starts = np.cumsum([0, *(len(others) for others in self.near)])
        others = [other for near in self.near for other in near]
        borders = [max(1, round(border_m)) for near in self.near for border_m in near.values()]
        options = pymetis.Options(seed=seed, ufactor=round(1000 * BALANCE_TOLERANCE / 2))
        if not recursive:
            options.contig = 1  # recursive bisection has no such option; _mended() sees to it
        found = pymetis.part_graph(
            self.parts,
            pymetis.CSRAdjacency(starts.tolist(), others),
            vweights=self.weights.tolist(),
            eweights=borders,
            options=options,
            recursive=recursive,
        )
        return list(found.vertex_part)

    def _mended(self, labels: list[int]) -> Numbers | None:
        """The labels with strays given to the part around them; None where a part has nobody in it."""
        for _ in range(self.parts):
            strays = [stray for part in range(self.parts) for stray in self._strays(labels, part)]
            if not strays:
                break
            for stray in strays:
                part = self._around(labels, stray)
                for vertex in stray:
                    labels[vertex] = part
        mended = np.array(labels, dtype=np.int64)
        is_whole = not any(self._strays(labels, part) for part in range(self.parts))
        return mended if is_whole and len(np.unique(mended[self.settled])) == self.parts else None

    def _strays(self, labels: list[int], part: int) -> list[set[int]]:
        """The pieces of a part apart from the heaviest one."""
        left = {vertex for vertex, label in enumerate(labels) if label == part}
        pieces = []
        while left:
            pieces.append(self._reached(min(left), left))
            left -= pieces[-1]
        pieces.sort(
            key=lambda piece: (-sum(int(self.weights[one]) for one in piece), -len(piece), min(piece))
        )
        return pieces[1:]

    def _around(self, labels: list[int], piece: set[int]) -> int:
        """The other part with the longest border to the piece."""
        borders: dict[int, float] = {}
        for vertex in piece:
            for other, border_m in self.near[vertex].items():
                if other not in piece:
                    borders[labels[other]] = borders.get(labels[other], 0.0) + border_m
        return max(sorted(borders), key=lambda part: borders[part])

    # ----------------------------------------------------------------------------------- the spanning tree

    def _tree_cut(self) -> Numbers:
        tree = _longest_tree(self.graph)
        labels = np.zeros(self.graph.size, dtype=np.int64)
        waiting, number = [(set(range(self.graph.size)), self.parts)], 0
        while waiting:
            piece, parts = waiting.pop()
            if parts == 1:
                labels[sorted(piece)] = number
                number += 1
            else:
                branch, its_parts = self._best_branch(tree, piece, parts)
                waiting += [(piece - branch, parts - its_parts), (branch, its_parts)]
        return labels

    def _best_branch(self, tree: list[list[int]], piece: set[int], parts: int) -> tuple[set[int], int]:
        """The branch of this piece of the tree nearest to a whole number of parts, and that number."""
        order, parent = _walked(tree, piece)
        weight = {vertex: int(self.weights[vertex]) for vertex in order}
        settled = {vertex: int(self.settled[vertex]) for vertex in order}
        for vertex in reversed(order[1:]):
            weight[parent[vertex]] += weight[vertex]
            settled[parent[vertex]] += settled[vertex]
        root = order[0]
        mean = weight[root] / parts
        best = (float("inf"), root, 1)
        for vertex in order[1:]:
            least, most = max(1, parts - settled[root] + settled[vertex]), min(parts - 1, settled[vertex])
            if least <= most:
                share = min(max(round(weight[vertex] / mean) if mean else 1, least), most)
                best = min(best, (abs(weight[vertex] - share * mean), vertex, share))
        inside = {best[1]}
        for vertex in order[order.index(best[1]) + 1 :]:
            if parent[vertex] in inside:
                inside.add(vertex)
        return inside, best[2]


def _longest_tree(graph: CellGraph) -> list[list[int]]:
    """Neighbours of each vertex in the spanning tree of the longest borders (Kruskal)."""
    above = list(range(graph.size))
    tree: list[list[int]] = [[] for _ in above]

    def top(one: int) -> int:
        while above[one] != one:
            above[one] = above[above[one]]
            one = above[one]
        return one

    for edge in np.argsort(-graph.border_m, kind="stable").tolist():
        one, other = graph.pairs[edge].tolist()
        if top(one) != top(other):
            above[top(one)] = top(other)
            tree[one].append(other)
            tree[other].append(one)
    return tree


def _walked(tree: list[list[int]], piece: set[int]) -> tuple[list[int], dict[int, int]]:
    """The vertices of a piece from its smallest number outwards, parents first, and each one's parent."""
    root = min(piece)
    order, parent = [root], {root: root}
    for vertex in order:
        for other in tree[vertex]:
            if other in piece and other not in parent:
                parent[other] = vertex
                order.append(other)
    return order, parent
