"""Streamed answers: pieces, roll-up, stores, resume and cancel."""
