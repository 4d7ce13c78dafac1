"""The record of an allocation: list, certificate, secret seed, release, verification, and the chains of hashes beneath."""
