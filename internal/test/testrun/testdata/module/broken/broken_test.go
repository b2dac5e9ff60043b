package broken

var length int = "long"
