"""Target specifications: read with positions, checked, and brought up to date for the compiler at hand."""
