"""Files that hold targets: each format becomes rows, and a row the targets that it stands for."""
