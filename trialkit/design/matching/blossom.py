"""Minimum-cost perfect matching in a complete graph: Edmonds' blossom algorithm on whole numbers.

A primal-dual search grows one alternating tree at a time and shrinks odd cycles (blossoms) into single nodes; slacks are kept
for all vertices at once, so a step is a handful of array operations and a matching costs of the order n^3 elementary ones. Costs
are even whole numbers: then all dual values stay whole, equality is exact, and the answer is the same on every machine. The
duals prove the optimum (`Solution.slack` is nowhere negative and `Solution.dual` equals the cost).

References
----------
Edmonds, J. (1965). Maximum matching and a polyhedron with 0,1-vertices. Journal of Research of the National Bureau of Standards
69B, 125-130. Galil, Z. (1986). Efficient algorithms for finding maximum matching in graphs. ACM Computing Surveys 18, 23-38.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trialkit.inference.arrays import IntArray

__all__ = ["Solution", "minimum_matching"]

Edge = tuple[int, int]
_FAR = 1 << 60
_FREE, _OUTER, _INNER = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Solution:
    """A perfect matching with its proof.

    Attributes
    ----------
    mate : partner of each vertex. vertex_dual : one value a vertex. blossoms : odd sets with their (non-negative) dual values.
    """

    mate: IntArray
    vertex_dual: IntArray
    blossoms: tuple[tuple[IntArray, int], ...]

    def slack(self, cost: IntArray) -> IntArray:
        """Reduced costs: none is negative, and those of matched pairs are zero."""
        out = cost - self.vertex_dual[:, None] - self.vertex_dual[None, :]
        for members, value in self.blossoms:
            out[np.ix_(members, members)] += value
        return out

    @property
    def dual(self) -> int:
        """A lower bound to the cost of every perfect matching."""
        inside = sum(value * (len(members) - 1) // 2 for members, value in self.blossoms)
        return int(self.vertex_dual.sum()) - inside


def minimum_matching(cost: IntArray, *, progress: Callable[[int, int], None] | None = None) -> Solution:
    """Pair all vertices at the least total cost.

    Parameters
    ----------
    cost : (n, n) symmetric even whole numbers, n even; the diagonal is ignored.
    progress : called with (vertices matched, n).

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([0, 10, 11, 1])
    >>> minimum_matching(2 * abs(x[:, None] - x[None, :])).mate.tolist()
    [3, 2, 1, 0]
    """
    search = _Search(cost)
    tell = progress or (lambda done, of: None)
    for root in range(search.n):
        if search.mate[root] < 0:
            search.augment_from(root)
            tell(search.n - search.mate.count(-1), search.n)
    return search.solution()


class _Search:
    """State of the algorithm. Numbers below n are vertices, from n on blossoms; `top` is the outermost one around a vertex."""

    def __init__(self, cost: IntArray):
        self.n = n = len(cost)
        nodes = n + n // 2 + 1
        self.cost = np.array(cost, dtype=np.int64)
        np.fill_diagonal(self.cost, _FAR)
        self.mate = [-1] * n
        self.top: IntArray = np.arange(n, dtype=np.int64)
        self.base = [*range(n), *([-1] * (nodes - n))]
        self.parent = [-1] * nodes
        self.kids: list[list[int]] = [[] for _ in range(nodes)]
        self.links: list[list[Edge]] = [[] for _ in range(nodes)]
        self.members: list[IntArray] = [np.array([v], dtype=np.int64) for v in range(n)]
        self.members += [np.empty(0, dtype=np.int64)] * (nodes - n)
        self.value = [0] * nodes
        self.unused = list(range(nodes - 1, n - 1, -1))
        self.dual = self.cost.min(axis=1) // 2
        self._start()

    def _start(self) -> None:
        """Feasible duals, and pairs along edges that they make tight."""
        for v in range(self.n):
            if self.mate[v] >= 0:
                continue
            slack = self.cost[v] - self.dual[v] - self.dual
            u = int(slack.argmin())
            self.dual[v] += slack[u]
            if self.mate[u] < 0:
                self.mate[u], self.mate[v] = v, u

    def solution(self) -> Solution:
        blossoms = [(self.members[b], self.value[b]) for b in range(self.n, len(self.base)) if len(self.members[b])]
        return Solution(np.array(self.mate, dtype=np.int64), self.dual, tuple(blossoms))

    def augment_from(self, root: int) -> None:
        """Grow an alternating tree from an unmatched vertex until it reaches another one."""
        n = self.n
        self.label = [_FREE] * len(self.base)
        self.entry: dict[int, Edge] = {}
        self.best = np.full(n, _FAR, dtype=np.int64)
        self.origin = np.full(n, -1, dtype=np.int64)
        self.sign = np.zeros(n, dtype=np.int64)
        self.fall = np.ones(n, dtype=np.int64)
        self.halved = np.zeros(n, dtype=np.int64)
        self.barred = np.zeros(n, dtype=np.int64)
        self.outer: set[int] = set()
        self.inner: set[int] = set()
        self._mark(int(self.top[root]), _OUTER)
        self._offer(self.members[int(self.top[root])])
        while not self._step():
            pass

    def _step(self) -> bool:
        """One change of the duals and what it makes possible; True when the matching grew."""
        room = (self.best >> self.halved) + self.barred
        v = int(room.argmin())
        delta = int(room[v])
        tight = min(self.inner, key=lambda b: (self.value[b], b), default=-1)
        expands = tight >= 0 and self.value[tight] // 2 < delta
        if expands:
            delta = self.value[tight] // 2
        if delta:
            self._shift(delta)
        if expands:
            self._expand(tight)
            return False
        u = int(self.origin[v])
        if self.label[int(self.top[v])] == _OUTER:
            self._shrink(u, v)
            return False
        return self._grow(u, v)

    def _shift(self, delta: int) -> None:
        self.dual += delta * self.sign
        self.best -= delta * self.fall
        for b in self.outer:
            self.value[b] += 2 * delta
        for b in self.inner:
            self.value[b] -= 2 * delta

    def _mark(self, b: int, label: int) -> None:
        """Label a node that lies on top, and what follows from it for its vertices."""
        vertices = self.members[b]
        self.label[b] = label
        self.sign[vertices] = (0, 1, -1)[label]
        self.fall[vertices] = (1, 2, 0)[label]
        self.halved[vertices] = label == _OUTER
        self.barred[vertices] = _FAR if label == _INNER else 0
        self.outer.discard(b)
        self.inner.discard(b)
        if b >= self.n and label != _FREE:
            (self.outer if label == _OUTER else self.inner).add(b)

    def _offer(self, vertices: IntArray) -> None:
        """Edges from new outer vertices of one top node to all vertices outside it."""
        slack = self.cost[vertices] - self.dual[vertices, None] - self.dual
        slack[:, self.members[int(self.top[vertices[0]])]] = _FAR
        nearest = slack.argmin(axis=0) if len(vertices) > 1 else np.zeros(self.n, dtype=np.int64)
        least = slack[nearest, np.arange(self.n)] if len(vertices) > 1 else slack[0]
        better = least < self.best
        self.best[better] = least[better]
        self.origin[better] = vertices[nearest[better]]

    def _grow(self, u: int, v: int) -> bool:
        b = int(self.top[v])
        partner = self.mate[self.base[b]]
        if partner < 0:
            self._augment(u, v)
            return True
        self._mark(b, _INNER)
        self.entry[b] = (u, v)
        beyond = int(self.top[partner])
        self._mark(beyond, _OUTER)
        self._offer(self.members[beyond])
        return False

    def _augment(self, u: int, v: int) -> None:
        """Match u and v and swap matched and unmatched edges down to the root."""
        while True:
            below = self.mate[self.base[int(self.top[u])]]
            self._rebase(int(self.top[v]), v)
            self._rebase(int(self.top[u]), u)
            self.mate[u], self.mate[v] = v, u
            if below < 0:
                return
            u, v = self.entry[int(self.top[below])]

    def _rebase(self, b: int, v: int) -> None:
        """Match a blossom inside so that v is the one vertex left to be matched outside."""
        if b < self.n or self.base[b] == v:
            return
        at = self.kids[b].index(self._kid(b, v))
        kids = self.kids[b] = self.kids[b][at:] + self.kids[b][:at]
        links = self.links[b] = self.links[b][at:] + self.links[b][:at]
        for i in range(1, len(kids), 2):
            x, y = links[i]
            self._rebase(kids[i], x)
            self._rebase(kids[i + 1], y)
            self.mate[x], self.mate[y] = y, x
        self._rebase(kids[0], v)
        self.base[b] = v

    def _kid(self, b: int, v: int) -> int:
        """The child of blossom b that holds v."""
        while self.parent[v] != b:
            v = self.parent[v]
        return v

    def _path(self, b: int) -> tuple[list[int], list[Edge]]:
        """Nodes from an outer node to the root and the edges between them."""
        nodes, edges = [b], []
        while (partner := self.mate[self.base[b]]) >= 0:
            inner = int(self.top[partner])
            p, q = self.entry[inner]
            edges += [(self.base[b], partner), (q, p)]
            b = int(self.top[p])
            nodes += [inner, b]
        return nodes, edges

    def _shrink(self, u: int, v: int) -> None:
        """An edge between two outer nodes closes an odd cycle, which becomes one outer node."""
        left, left_edges = self._path(int(self.top[u]))
        right, right_edges = self._path(int(self.top[v]))
        on_left = {b: i for i, b in enumerate(left)}
        j = next(j for j, b in enumerate(right) if b in on_left)
        i = on_left[right[j]]
        new = self.unused.pop()
        self.kids[new] = [left[i], *reversed(left[:i]), *right[:j]]
        self.links[new] = [*((b, a) for a, b in reversed(left_edges[:i])), (u, v), *right_edges[:j]]
        self.base[new] = self.base[left[i]]
        self.members[new] = np.concatenate([self.members[k] for k in self.kids[new]])
        self.value[new] = 0
        self.parent[new] = -1
        fresh = [self.members[k] for k in self.kids[new] if self.label[k] == _INNER]
        for k in self.kids[new]:
            self.parent[k] = new
            self.outer.discard(k)
            self.inner.discard(k)
        self.top[self.members[new]] = new
        self._mark(new, _OUTER)
        self._offer(np.concatenate(fresh))
        self._renew(new)

    def _renew(self, b: int) -> None:
        """Best edges from the other outer nodes to the vertices of a new blossom."""
        inside = self.members[b]
        others = np.flatnonzero((self.sign == 1) & (self.top != b))
        if not len(others):
            self.best[inside], self.origin[inside] = _FAR, -1
            return
        slack = self.cost[inside[:, None], others[None, :]] - self.dual[inside, None] - self.dual[others]
        nearest = slack.argmin(axis=1)
        self.best[inside] = slack[np.arange(len(inside)), nearest]
        self.origin[inside] = others[nearest]

    def _expand(self, b: int) -> None:
        """An inner blossom whose dual fell to zero gives way to its children."""
        u, v = self.entry.pop(b)
        kids, links = self.kids[b], self.links[b]
        at = kids.index(self._kid(b, v))
        for k in kids:
            self.parent[k] = -1
            self.top[self.members[k]] = k
            self._mark(k, _FREE)
        self._retire(b)
        # the even way round from the child that was entered to the base stays in the tree
        step = 1 if at % 2 else -1
        way = [i % len(kids) for i in range(at, len(kids) + 1 if at % 2 else -1, step)]
        way = way[: way.index(0) + 1]
        for place, i in enumerate(way):
            if place % 2:
                self._mark(kids[i], _OUTER)
                continue
            self._mark(kids[i], _INNER)
            self.entry[kids[i]] = (u, v) if not place else _between(links, way[place - 1], i)
        for i in way[1::2]:
            self._offer(self.members[kids[i]])

    def _retire(self, b: int) -> None:
        self.inner.discard(b)
        self.label[b] = _FREE
        self.kids[b], self.links[b] = [], []
        self.members[b] = np.empty(0, dtype=np.int64)
        self.unused.append(b)


def _between(links: list[Edge], first: int, second: int) -> Edge:
    """The edge of a cycle from one child to the next or the one before."""
    if second == (first + 1) % len(links):
        return links[first]
    x, y = links[second]
    return y, x


def even_costs(distance: NDArray[np.float64], levels: int = 1 << 26) -> IntArray:
    """Distances as even whole numbers of the largest one's 2^26 parts: no solver tolerance, and ties stay ties."""
    largest = float(distance.max(initial=0.0))
    if largest == 0.0:
        return np.zeros(distance.shape, dtype=np.int64)
    return 2 * np.rint(distance * (levels / largest)).astype(np.int64)
