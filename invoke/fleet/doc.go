// Package fleet asks many hosts at once: a bounded number at a time, each on its own, and without spreading a wrong password.
//
// [Run] calls a function once for each host and yields the results as they come. What becomes of one host does not touch another:
// a host that hangs costs the others the one place that it holds. Neither the package nor the function's errors end a run; its
// context does.
//
// A [Breaker] keeps a wrong password from locking its user out. The function enters it at the last moment, when a password is about to
// leave for a host: one that cannot be reached has nothing to refuse, and holds nobody up. While nobody knows whether a credential is
// right, one host at a time gets it; once a host has taken it, it goes to all. After a refusal it goes to two more hosts at most, and
// if neither takes it, the rest are not tried: they get a [*NotTriedError]. What cannot be undone is not counted twice: a host that was
// already at work when another refused is one of the two.
//
// The package sends nothing itself, and knows neither hosts nor passwords, only their names.
package fleet
