"""The linker for languages in which every value is a reference, nobody declares types, and functions are values.

What a value is is learned from what made it, what is kept in it, and what is asked of it; what a call means from that.
"""
