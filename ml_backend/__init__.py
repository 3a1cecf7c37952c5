"""HTTP and Label Studio on one side, the types of trackanything_core on the other."""
