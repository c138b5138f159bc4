// An echo server of nhooyr.io/websocket: GOPATH=/usr/share/gocode GO111MODULE=off go build server-nhooyr.go
package main

import (
	"context"
	"net/http"
	"os"

	"nhooyr.io/websocket"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		connection, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
		if err != nil {
			return
		}
		connection.SetReadLimit(1 << 26)
		for {
			kind, data, err := connection.Read(context.Background())
			if err != nil {
				return
			}
			if connection.Write(context.Background(), kind, data) != nil {
				return
			}
		}
	})
	http.ListenAndServe("127.0.0.1:"+os.Args[1], nil)
}
