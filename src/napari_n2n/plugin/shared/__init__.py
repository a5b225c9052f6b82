"""What the widgets share: layers, jobs, keys, forms that more than one of them has."""
