"""Files in, texts out, for building an index. Whatever lies in a folder is hostile until it has been read: sizes, pages
and times are bounded, and a file that cannot be read is one file that cannot be read."""
