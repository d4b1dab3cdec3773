"""What else a patrol proves itself by: check-ins at checkpoints 点位打卡, and gaps that the phone reports."""
