"""`trackanything project`: videos into Label Studio, annotations out of it."""
