// judge_log verifies a log of ours with Go's own transparency log packages: golang.org/x/mod/sumdb/{note,tlog}.
//
// Usage: judge_log FOLDER. It takes the key from FOLDER/vkey, opens FOLDER/checkpoint with it, hashes every entry of
// every bundle, and looks each hash up in the tiles by an inclusion proof that Go builds and checks from the signed
// root; then it proves that the tree begins with half of itself. It prints `ok SIZE ROOT` or fails.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

// tiles reads tiles from disk; Go names the height in the path, C2SP does not.
type tiles struct{ folder string }

func (t tiles) Height() int { return height }

func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var read [][]byte
	for _, tile := range wanted {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(t.folder, path))
		if err != nil {
			return nil, err
		}
		read = append(read, data)
	}
	return read, nil
}

func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func main() {
	log.SetFlags(0)
	folder := os.Args[1]
	tree := openCheckpoint(folder)
	if tree.N > 0 {
		checkEntries(folder, tree)
	}
	fmt.Printf("ok %d %s\n", tree.N, tree.Hash)
}

func openCheckpoint(folder string) tlog.Tree {
	vkey, err := os.ReadFile(filepath.Join(folder, "vkey"))
	must(err)
	verifier, err := note.NewVerifier(strings.TrimSuffix(string(vkey), "\n"))
	must(err)
	signed, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	must(err)
	opened, err := note.Open(signed, note.VerifierList(verifier))
	must(err)
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[3] != "" || lines[0] != verifier.Name() {
		log.Fatalf("not a checkpoint of %s: %q", verifier.Name(), opened.Text)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err)
	root, err := base64.StdEncoding.DecodeString(lines[2])
	must(err)
	tree := tlog.Tree{N: size}
	if copy(tree.Hash[:], root) != tlog.HashSize {
		log.Fatal("a root is 32 bytes")
	}
	return tree
}

func checkEntries(folder string, tree tlog.Tree) {
	hashes := tlog.TileHashReader(tree, tiles{folder})
	index := int64(0)
	for _, entry := range readEntries(folder, tree.N) {
		proof, err := tlog.ProveRecord(tree.N, index, hashes)
		must(err)
		must(tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry)))
		index++
	}
	half := (tree.N + 1) / 2
	halfRoot, err := tlog.TreeHash(half, hashes)
	must(err)
	proof, err := tlog.ProveTree(tree.N, half, hashes)
	must(err)
	must(tlog.CheckTree(proof, tree.N, tree.Hash, half, halfRoot))
}

func readEntries(folder string, size int64) [][]byte {
	var entries [][]byte
	for first := int64(0); first < size; first += 1 << height {
		width := size - first
		if width > 1<<height {
			width = 1 << height
		}
		tile := tlog.Tile{H: height, L: -1, N: first >> height, W: int(width)}
		path := strings.Replace(tile.Path(), "tile/8/data/", "tile/entries/", 1)
		data, err := os.ReadFile(filepath.Join(folder, path))
		must(err)
		for count := int64(0); count < width; count++ {
			length := int(binary.BigEndian.Uint16(data))
			entries = append(entries, data[2:2+length])
			data = data[2+length:]
		}
		if len(data) != 0 {
			log.Fatalf("%s is longer than its entries", path)
		}
	}
	return entries
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
