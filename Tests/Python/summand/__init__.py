# SPDX-License-Identifier: MIT
"""A second implementation of the Summand protocol, written from docs/PROTOCOL.md and not from the Swift sources.

It exists to test the document: whatever a reader cannot find there does not work here. "Section" in these files means
a section of docs/PROTOCOL.md. It is slow, keeps its state in memory, and protects no secret from its own process; it
is no client for real data.
"""
