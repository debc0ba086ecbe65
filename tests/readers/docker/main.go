// Prints the variables that docker reads from a file, each with a NUL behind it. The package is the one that the command line of
// docker itself uses.
package main

import (
	"fmt"
	"os"

	"github.com/docker/cli/pkg/kvfile"
)

func main() {
	lines, err := kvfile.Parse(os.Args[1], os.LookupEnv)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, line := range lines {
		fmt.Print(line, "\x00")
	}
}
