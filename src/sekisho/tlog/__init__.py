"""A transparency log, one file per C2SP specification. Pure: bytes in, values out. Import the file by its name."""
