"""What people see: pure functions from an approval to cards. No I/O, no clock."""
