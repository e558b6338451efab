// Package explain tells what the codes and the words of a failed migration mean: symbol, meaning, likely causes, what to check and
// on which host. It works offline, from tables that are part of the program.
//
// [Codes] finds the codes in a text, in every spelling that Windows uses. [Numbers], [Text], [Error] and [Diagnosis] look up what
// they were given and return an [Explanation]: the headline, which says that and where a migration failed, apart from the findings,
// which may say why. None of them fails: what is not recognised is not in the Explanation. Texts may be hostile; time grows with
// their length alone, and what is returned is bounded.
//
// What a host says is never changed, and never mixed with what the tables say: the words of a [Row] are this module's own.
//
// The tables are text files for people who know Hyper-V, in the folder tables: full rows for what failed migrations bring, and bare
// names for all other codes of Win32, HRESULT, NTSTATUS, WS-Management and WMI. Nothing is parsed before the first question. The
// names of Windows are those of golang.org/x/sys/windows, as a sorted text of 0.4 MB: the erref packages of go-msrpc know them, too,
// but bring sentences that are not ours, ten more modules and work at every start, and 1.5 MB.
package explain
