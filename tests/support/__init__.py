"""What the tests of several folders share; what one folder's tests share lies beside them."""
