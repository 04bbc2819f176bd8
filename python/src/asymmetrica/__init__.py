"""Thin driver for the Asymmetrica extension of PostgreSQL."""
