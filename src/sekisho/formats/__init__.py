"""One file per published format. Pure: bytes in, values out. Import the file by its name."""
