"""Decides whether a new model may take the place of the one that serves, and writes down why."""

from aocr_core.approval.approve import approve
from aocr_core.approval.decide import Decision, Reason

__all__ = ["Decision", "Reason", "approve"]
