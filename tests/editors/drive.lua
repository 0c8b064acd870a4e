-- Opens a script in Neovim, waits for the diagnostics, applies the first quick fix, writes the file.
-- Works from Neovim 0.7 on. Prints the columns (bytes) of the first diagnostic.
vim.cmd("edit " .. vim.env.HUASHU_FILE)
local buf = vim.api.nvim_get_current_buf()
local id = vim.lsp.start_client({
  name = "huashu",
  cmd = { vim.env.HUASHU_PYTHON, "-m", "checker", "lsp" },
  root_dir = vim.fn.getcwd(),
})
vim.lsp.buf_attach_client(buf, id)
local function wait(count)
  local arrived = vim.wait(60000, function() return #vim.diagnostic.get(buf) == count end, 20)
  if not arrived then
    io.stderr:write("waited in vain for " .. count .. " diagnostics\n")
    vim.cmd("cquit 1")
  end
end
wait(tonumber(vim.env.HUASHU_BEFORE))
local first = vim.diagnostic.get(buf)[1]
io.stdout:write(first.lnum .. ":" .. first.col .. "-" .. first.end_col .. "\n")
vim.ui.select = function(items, _, choose) choose(items[1], 1) end
vim.api.nvim_win_set_cursor(0, { first.lnum + 1, first.col })
vim.lsp.buf.code_action()
wait(tonumber(vim.env.HUASHU_AFTER))
vim.cmd("write")
vim.cmd("qa!")
