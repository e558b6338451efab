//go:build !linux && !darwin

package main

import "os"

// peakOf returns 0: this system does not tell.
func peakOf(*os.ProcessState) int64 { return 0 }

// tooFewDescriptors returns "": this system has no such limit.
func tooFewDescriptors(int, int) string { return "" }
