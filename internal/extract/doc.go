// Package extract finds the main text of a page, without the menus, advertisements and
// other things around it, and writes it as plain text and as Markdown.
//
// A page is a tree as a list of nodes. A container is the element that the page itself
// names as the main one. Cleaning cuts out of an element what is around the text by its
// own account: elements, roles, names of classes. An opinion is what one extractor takes
// for the main text. The rules are one extractor, after trafilatura; readability is
// another. Auto unites them: of an article it keeps the lines of readability that the
// rules keep as well; of other pages it takes the container, or the cleaned body.
//
// All work on a page is in proportion to its size, except for readability, which asks a
// clock. A page for which readability would take too long gets its cleaned container.
package extract
