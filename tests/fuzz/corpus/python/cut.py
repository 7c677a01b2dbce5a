def f(:
	"""x\
