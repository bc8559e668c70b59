"""How good a ranking or a decision is: pure functions of arrays, and one report that shows it."""
