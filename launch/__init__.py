"""The programs: absl flags in, a call of research/, text out."""
