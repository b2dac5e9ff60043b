// Package htmltree builds the tree of a page within limits of memory, time and depth, and
// says why a page can have none.
//
// A [Tree] is built on first use. How much memory it will take is estimated before, from the
// tokens of the page: [WeightOf] a token, and the elements that [Formatting] says the tree
// will open again. The trees of a process share a [Room], and a [Stopwatch] ends those that
// take too much time of a processor.
package htmltree
