// Package fields extracts the fields that a job asks for from the tree of a page, and marks
// the links that follow rules select.
//
// A [Kind] is what the job extracts from pages of one kind. A [Reading] extracts it from one
// page: a field looks in a place, which finds matches, whose texts become values. A graph is
// the structured data of a page, JSON-LD or microdata. A [Choice] is the selector of a follow
// rule. A [Finding] explains to the author of a job how a field got its value.
package fields
