// Browsers refuse workers on a page opened from a folder. There the script of the search runs in a hidden frame instead.
class IFrameWorker extends EventTarget {
  constructor(url) {
    super()
    this.frame = document.createElement("iframe")
    this.frame.hidden = true
    document.body.appendChild(this.frame)
    window.addEventListener("message", event => {
      if (event.source !== this.frame.contentWindow) return
      const copy = new MessageEvent("message", { data: event.data })
      this.dispatchEvent(copy)
      if (this.onmessage) this.onmessage(copy)
    })
    this.ready = new Promise(done => {
      const page = this.frame.contentWindow.document
      this.frame.contentWindow.postMessage = data => window.dispatchEvent(new MessageEvent("message", { data, source: this.frame.contentWindow }))
      this.frame.contentWindow.importScripts = async (...addresses) => {
        for (const address of addresses) await added(page, address)
      }
      added(page, url).then(done)
    })
  }
  postMessage(data) {
    this.ready.then(() => this.frame.contentWindow.dispatchEvent(new MessageEvent("message", { data })))
  }
  terminate() {
    this.frame.remove()
  }
}

function added(page, address) {
  return new Promise((done, failed) => {
    const script = page.createElement("script")
    script.src = String(address)
    script.onload = done
    script.onerror = failed
    page.body.appendChild(script)
  })
}

if (location.protocol === "file:") {
  window.IFrameWorker = IFrameWorker
  window.Worker = IFrameWorker
}
