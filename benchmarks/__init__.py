"""The measurements of launch.benchmark, one a file, each with a function `measure`."""
