// An HTTP server on port 8080 for the profile benchmark: reads a file for each request; /test runs a
// program; /quit ends it.
'use strict';
const http = require('http');
const fs = require('fs');
const child = require('child_process');

http.createServer((request, response) => {
	if (request.url === '/test')
		child.execSync('true');
	fs.readFile('/etc/os-release', (error, data) => {
		response.writeHead(error ? 500 : 200, { 'Content-Type': 'text/plain' });
		response.end(error ? String(error) : data, () => {
			if (request.url === '/quit')
				process.exit(0);
		});
	});
}).listen(8080, '127.0.0.1');
