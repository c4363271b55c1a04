"""Vertex AI as steps and commands need it: where it is, how it is asked, and what a failure means."""
