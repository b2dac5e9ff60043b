// Package doctest tests the documents: that their links lead somewhere, that their command
// blocks do what they show, and that the programs in them are the examples. It consists of
// tests.
//
// A command block is a fence whose info string is "console run". Lines that begin with "$ "
// are commands, lines that begin with "> " continue them, and the others are the expected
// output. In it, … stands for any text of a line, and a line that is only … for any lines.
// Times, durations, rates and sizes may differ. The blocks of one document run one after the
// other, in one shell and one folder. http://127.0.0.1:8000 is the example site, at an
// address of the test.
//
// "console run=fleet" gives the shell a Redis of its own, "run=books" the program of
// examples/books, and "run=python3-doc" serves Python's manual instead of the example site.
package doctest
