"""What phones and files deliver: read, checked, filed once or kept aside."""
