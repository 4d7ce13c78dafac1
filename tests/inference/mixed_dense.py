"""The mixed model in n x n matrices, from the definitions: what the kernels are held to."""

from __future__ import annotations

import numpy as np


class Dense:
    """-2 restricted log likelihood, Satterthwaite and Kenward-Roger of V = sum theta_p V_p; derivatives by differences where stated."""

    def __init__(self, y, X, residual, effects):
        self.y, self.X = y, X
        self.parts = [*residual, *((e[:, None] == e) & (e[:, None] >= 0) for e in effects)]
        self.parts = [np.asarray(p, dtype=float) for p in self.parts]

    def inverse(self, theta):
        return np.linalg.inv(sum(t * p for t, p in zip(theta, self.parts)))

    def phi(self, theta):
        return np.linalg.inv(self.X.T @ self.inverse(theta) @ self.X)

    def minus2(self, theta):
        Vi = self.inverse(theta)
        A = self.X.T @ Vi @ self.X
        r = self.y - self.X @ np.linalg.solve(A, self.X.T @ Vi @ self.y)
        n, k = self.X.shape
        return -np.linalg.slogdet(Vi)[1] + np.linalg.slogdet(A)[1] + r @ Vi @ r + (n - k) * np.log(2 * np.pi)

    def gradient(self, theta, step=1e-5):
        return np.array([(self.minus2(theta + e) - self.minus2(theta - e)) / (2 * step) for e in np.eye(len(theta)) * step])

    def hessian(self, theta, step=1e-4):
        """Of -l_R, by central differences."""
        units = np.eye(len(theta)) * step
        second = [
            [sum(s * t * self.minus2(theta + s * e + t * f) for s in (-1, 1) for t in (-1, 1)) for f in units] for e in units
        ]
        return np.array(second) / (4 * step**2) / 2

    def satterthwaite(self, theta, C, step=1e-5):
        W = np.linalg.inv(self.hessian(theta))
        variance = np.diag(C @ self.phi(theta) @ C.T)
        slopes = np.array(
            [
                np.diag(C @ (self.phi(theta + e) - self.phi(theta - e)) @ C.T) / (2 * step)
                for e in np.eye(len(theta)) * step
            ]
        )  # fmt: skip
        return self.estimates(theta, C), np.sqrt(variance), 2 * variance**2 / np.einsum("pm,pq,qm->m", slopes, W, slopes)

    def estimates(self, theta, C):
        return C @ self.phi(theta) @ self.X.T @ self.inverse(theta) @ self.y

    def _kenward_roger(self, theta):
        Vi, phi = self.inverse(theta), self.phi(theta)
        P = [-self.X.T @ Vi @ V @ Vi @ self.X for V in self.parts]
        Q = [[self.X.T @ Vi @ V @ Vi @ U @ Vi @ self.X for U in self.parts] for V in self.parts]
        count = range(len(theta))
        information = np.array(
            [
                [
                    (np.trace(Vi @ self.parts[i] @ Vi @ self.parts[j]) - 2 * np.trace(phi @ Q[i][j]) + np.trace(phi @ P[i] @ phi @ P[j])) / 2
                    for j in count
                ]
                for i in count
            ]
        )  # fmt: skip
        return P, Q, np.linalg.inv(information), phi

    def adjusted(self, theta):
        """Kenward & Roger (1997), with parameters in which the covariance is linear."""
        P, Q, W, phi = self._kenward_roger(theta)
        total = sum(W[i, j] * (Q[i][j] - P[i] @ phi @ P[j]) for i in range(len(W)) for j in range(len(W)))
        return phi + 2 * phi @ total @ phi

    def kenward_roger(self, theta, C):
        P, _, W, phi = self._kenward_roger(theta)
        df = []
        for c in C:
            v = c @ phi @ c
            slopes = np.array([c @ phi @ p @ phi @ c for p in P])
            df.append(2 * v**2 / (slopes @ W @ slopes))
        return self.estimates(theta, C), np.sqrt(np.diag(C @ self.adjusted(theta) @ C.T)), np.array(df)
