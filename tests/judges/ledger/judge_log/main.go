// judge_log verifies a log of ours with Go's own transparency log packages: golang.org/x/mod/sumdb/{note,tlog}.
//
// Usage: judge_log FOLDER. It takes the log's key from FOLDER/vkey and witnesses' keys, one a line, from
// FOLDER/witnesses if there is such a file, and opens FOLDER/checkpoint with them: each witness must have cosigned. It
// hashes every entry of every bundle and looks the hashes up in the tiles by inclusion proofs that Go builds and checks
// from the signed root; of a large log, not each. Then it proves that the tree begins with half of itself, and checks
// every file FOLDER/proofs/*.tlog-proof. It prints `ok SIZE ROOT COSIGNATURES PROOFS` or fails.
package main

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
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

// Proofs of all entries of a log up to this size, of one in stride above it.
const allUpTo, stride = 2000, 251

// witness verifies Ed25519 cosignatures, C2SP tlog-cosignature type 0x04: sumdb/note knows type 0x01 alone.
type witness struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func (w witness) Name() string    { return w.name }
func (w witness) KeyHash() uint32 { return w.hash }

func (w witness) Verify(text, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	time := binary.BigEndian.Uint64(signature)
	message := fmt.Sprintf("cosignature/v1\ntime %d\n%s", time, text)
	return ed25519.Verify(w.key, []byte(message), signature[8:])
}

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
	judge := judge{log: readLogKey(folder), witnesses: readWitnesses(folder)}
	signed, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	must(err)
	tree := judge.open(signed)
	var entries [][]byte
	if tree.N > 0 {
		entries = readEntries(folder, tree.N)
		checkEntries(folder, tree, entries)
	}
	proofs, err := filepath.Glob(filepath.Join(folder, "proofs", "*.tlog-proof"))
	must(err)
	for _, path := range proofs {
		judge.checkProof(path, entries)
	}
	fmt.Printf("ok %d %s %d %d\n", tree.N, tree.Hash, len(judge.witnesses), len(proofs))
}

type judge struct {
	log       note.Verifier
	witnesses []note.Verifier
}

func readLogKey(folder string) note.Verifier {
	vkey, err := os.ReadFile(filepath.Join(folder, "vkey"))
	must(err)
	verifier, err := note.NewVerifier(strings.TrimSuffix(string(vkey), "\n"))
	must(err)
	return verifier
}

func readWitnesses(folder string) []note.Verifier {
	text, err := os.ReadFile(filepath.Join(folder, "witnesses"))
	if os.IsNotExist(err) {
		return nil
	}
	must(err)
	var found []note.Verifier
	for _, vkey := range strings.Fields(string(text)) {
		parts := strings.SplitN(vkey, "+", 3)
		id, err := hex.DecodeString(parts[1])
		must(err)
		key, err := base64.StdEncoding.DecodeString(parts[2])
		must(err)
		if len(key) != 1+ed25519.PublicKeySize || key[0] != 4 {
			log.Fatal("not the key of an Ed25519 cosigner")
		}
		found = append(found, witness{parts[0], binary.BigEndian.Uint32(id), ed25519.PublicKey(key[1:])})
	}
	return found
}

// open returns the tree of a checkpoint that the log signed and every witness cosigned.
func (j judge) open(signed []byte) tlog.Tree {
	opened, err := note.Open(signed, note.VerifierList(append([]note.Verifier{j.log}, j.witnesses...)...))
	must(err)
	if len(opened.Sigs) != 1+len(j.witnesses) {
		log.Fatalf("%d of %d known keys signed", len(opened.Sigs), 1+len(j.witnesses))
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[3] != "" || lines[0] != j.log.Name() {
		log.Fatalf("not a checkpoint of %s: %q", j.log.Name(), opened.Text)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err)
	return tlog.Tree{N: size, Hash: readHash(lines[2])}
}

// checkProof reads C2SP tlog-proof by itself; Go's packages check the note and the path.
func (j judge) checkProof(path string, entries [][]byte) {
	data, err := os.ReadFile(path)
	must(err)
	head, signed, found := strings.Cut(string(data), "\n\n")
	lines := strings.Split(head, "\n")
	if !found || lines[0] != "c2sp.org/tlog-proof@v1" {
		log.Fatalf("%s is no tlog-proof", path)
	}
	lines = lines[1:]
	if strings.HasPrefix(lines[0], "extra ") {
		lines = lines[1:]
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[0], "index "), 10, 64)
	must(err)
	var proof tlog.RecordProof
	for _, line := range lines[1:] {
		proof = append(proof, readHash(line))
	}
	tree := j.open([]byte(signed))
	must(tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entries[index])))
}

func readHash(text string) tlog.Hash {
	data, err := base64.StdEncoding.DecodeString(text)
	must(err)
	var hash tlog.Hash
	if len(data) != tlog.HashSize {
		log.Fatal("a hash is 32 bytes")
	}
	copy(hash[:], data)
	return hash
}

func checkEntries(folder string, tree tlog.Tree, entries [][]byte) {
	hashes := tlog.TileHashReader(tree, tiles{folder})
	step := int64(1)
	if tree.N > allUpTo {
		step = stride
	}
	for index := int64(0); index < tree.N; index += step {
		checkEntry(tree, hashes, index, entries[index])
	}
	checkEntry(tree, hashes, tree.N-1, entries[tree.N-1])
	half := (tree.N + 1) / 2
	halfRoot, err := tlog.TreeHash(half, hashes)
	must(err)
	proof, err := tlog.ProveTree(tree.N, half, hashes)
	must(err)
	must(tlog.CheckTree(proof, tree.N, tree.Hash, half, halfRoot))
}

func checkEntry(tree tlog.Tree, hashes tlog.HashReader, index int64, entry []byte) {
	proof, err := tlog.ProveRecord(tree.N, index, hashes)
	must(err)
	must(tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry)))
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
